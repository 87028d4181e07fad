package origin

import "errors"

func newRemote(*run) (source, error) { return nil, errors.New("later") }
