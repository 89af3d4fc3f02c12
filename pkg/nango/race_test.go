//go:build race

package nango

// slack is how much longer than allowed a value may take: the race detector slows things down tenfold.
const slack = 20
