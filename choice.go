package mirrorbrain

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/retry"
)

// setChoiceDefaults fills in what is not configured about the choice.
func (h *Handler) setChoiceDefaults() {
	h.SetDefaults()
	defPtr(&h.NetworkHeaders, false)
	if o := h.OriginMirror; o != nil {
		o.Country, o.Continent = strings.ToLower(o.Country), strings.ToLower(o.Continent)
		def(&o.Continent, geoip.Continent(o.Country))
	}
}

// provisionChoice prepares what is needed beside the compiled mirrors.
func (h *Handler) provisionChoice() {
	h.links = *h.Duplicates > 0
	if h.Retry > 0 {
		h.retries = h.rt.db.retryMemory()
	}
}

// retryMemory is the database's memory of who was sent where; sites share it.
func (d *database) retryMemory() *retry.Memory {
	d.retriesOnce.Do(func() { d.retries = retry.New() })
	return d.retries
}

// validateChoice checks what the redirector's own check does not know.
func (h *Handler) validateChoice() error {
	if err := h.Settings.Validate(); err != nil {
		return err
	}
	if h.Retry != -1 && (h.Retry <= 0 || time.Duration(h.Retry) > retry.MaxWindow) {
		return fmt.Errorf("retry: must be positive and at most %v, or off (-1), not %v", retry.MaxWindow, time.Duration(h.Retry))
	}
	if h.OriginMirror == nil {
		return nil
	}
	return validateOrigin(h.OriginMirror)
}

func validateOrigin(o *redirector.OriginMirror) error {
	switch {
	case o.Score > math.MaxInt32:
		return fmt.Errorf("origin_mirror: a score of %d is too large", o.Score)
	case o.Country != "" && geoip.Continent(o.Country) == "":
		return fmt.Errorf("origin_mirror: %q is not the two-letter code of a country", o.Country)
	case o.Continent != "" && !geoip.IsContinent(o.Continent):
		return fmt.Errorf("origin_mirror: continent %q is none of af, an, as, eu, na, oc, sa", o.Continent)
	case (o.Lat == nil) != (o.Lng == nil):
		return fmt.Errorf("origin_mirror: latitude and longitude go together")
	case o.Lat != nil && !(math.Abs(*o.Lat) <= 90 && math.Abs(*o.Lng) <= 180):
		return fmt.Errorf("origin_mirror: coordinates %v %v: the latitude is between -90 and 90, the longitude between -180 and 180", *o.Lat, *o.Lng)
	}
	return nil
}
