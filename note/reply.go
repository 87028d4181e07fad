package note

import (
	"encoding/json"
	"net/http"
	"time"
)

// failure is the body of an answer that is an error.
type failure struct {
	Error string `json:"error"`
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, why string) {
	reply(w, status, failure{why})
}

// later refuses for now.
func later(w http.ResponseWriter, status int, after time.Duration, why string) {
	w.Header().Set("Retry-After", seconds(after))
	refuse(w, status, why)
}
