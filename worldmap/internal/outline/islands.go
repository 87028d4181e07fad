package main

import "math"

// islands are small ones where there are mirrors, or might be: an ocean with a
// dot on it and no land looks like a mistake.
var islands = []place{
	{1.35, 103.8},    // Singapore
	{21.3, -157.9},   // Oahu
	{20.8, -156.3},   // Maui
	{19.6, -155.5},   // Hawaii
	{22.05, -159.5},  // Kauai
	{35.9, 14.4},     // Malta
	{-20.2, 57.5},    // Mauritius
	{-21.1, 55.5},    // Réunion
	{32.3, -64.8},    // Bermuda
	{37.8, -25.5},    // São Miguel
	{32.75, -17},     // Madeira
	{28.3, -16.6},    // Tenerife
	{28, -15.6},      // Gran Canaria
	{15.1, -23.6},    // Cabo Verde
	{62.1, -7.1},     // Faroe Islands
	{26, 50.55},      // Bahrain
	{4.2, 73.5},      // Maldives
	{13.2, -59.5},    // Barbados
	{16.2, -61.6},    // Guadeloupe
	{14.7, -61},      // Martinique
	{12.15, -68.95},  // Curaçao
	{13.45, 144.8},   // Guam
	{-13.8, -171.8},  // Samoa
	{-17.65, -149.4}, // Tahiti
	{-4.7, 55.5},     // Seychelles
	{49.2, -2.1},     // Jersey
	{54.2, -4.5},     // Isle of Man
	{7.5, 134.6},     // Palau
}

// kept reports whether one of the islands is that of a ring, as far as the
// middle of the box around it tells.
func kept(r []place) bool {
	north, south, east, west := math.Inf(-1), math.Inf(1), math.Inf(-1), math.Inf(1)
	for _, p := range r {
		north, south = max(north, p.lat), min(south, p.lat)
		east, west = max(east, p.east), min(west, p.east)
	}
	for _, i := range islands {
		if math.Abs((north+south)/2-i.lat) < 0.3 && math.Abs((east+west)/2-i.east) < 0.3 {
			return true
		}
	}
	return false
}
