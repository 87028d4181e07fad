package main

// regions are where coasts are drawn otherwise than elsewhere: finer in Europe
// and East Asia, which are small and full of mirrors, and coarser towards the
// poles, where the map is stretched and the coasts are fjords and skerries. The
// first that has a point counts. Their sides are in units of the map.
var regions = []struct {
	left, top, right, bottom, emphasis float64
}{
	{0, 0, 2000, 83.5, 0.3},      // beyond 67° N
	{875, 83.5, 1125, 280, 2.5},  // 13° W to 36° E, 35° to 67° N
	{1550, 209, 1700, 370, 1.5},  // 118° to 146° E, 21° to 46° N
	{0, 795.5, 2000, 870.5, 0.5}, // beyond 45° S
}

// emphasis is how much what is at p matters; 1 in most of the world.
func emphasis(p point) float64 {
	for _, r := range regions {
		if p.x >= r.left && p.x < r.right && p.y >= r.top && p.y < r.bottom {
			return r.emphasis
		}
	}
	return 1
}
