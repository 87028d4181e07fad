package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// set changes one of the settings, named as in JSON and TOML, from a text. Items of
// lists have commas between them, and windows of time semicolons.
func (s *settings) set(key, value string) error {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("json") == key {
			return assign(v.Field(i).Addr().Interface(), key, value)
		}
	}
	return fmt.Errorf("there is no such setting")
}

func assign(to any, key, value string) (err error) {
	switch p := to.(type) {
	case *string:
		*p = value
	case *int:
		if *p, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
	case *bool:
		if *p, err = strconv.ParseBool(value); err != nil {
			return fmt.Errorf("%q is neither true nor false", value)
		}
	case **bool:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", value)
		}
		*p = &on
	case **float64:
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", value)
		}
		*p = &f
	case *[]string:
		sep := ","
		if key == "no_traffic" {
			sep = ";"
		}
		*p = items(value, sep)
	case *[]uint32:
		*p = nil
		for _, item := range items(value, ",") {
			n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(item), "AS"), 10, 32)
			if err != nil {
				return fmt.Errorf("%q is not the number of an AS", item)
			}
			*p = append(*p, uint32(n))
		}
	default:
		return fmt.Errorf("it cannot be changed here")
	}
	return nil
}

// items splits a list; the empty one has none.
func items(value, sep string) (out []string) {
	for item := range strings.SplitSeq(value, sep) {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
