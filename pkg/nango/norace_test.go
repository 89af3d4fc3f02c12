//go:build !race

package nango

// slack is how much longer than allowed a value may take here, where other tests run beside.
const slack = 3

var hostileSizes = []int{64 << 10, 256 << 10}
