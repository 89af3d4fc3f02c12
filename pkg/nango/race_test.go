//go:build race

package nango

// slack is how much longer than allowed a value may take: the race detector slows things down tenfold. For that, values are no longer than they must be.
const slack = 20

var hostileSizes = []int{64 << 10}
