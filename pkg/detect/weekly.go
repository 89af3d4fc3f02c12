package detect

// Week is what a week brought to one environment.
type Week struct {
	Environment              string
	Broken                   int
	Expected                 float64
	Reconnected, StillBroken int
}
