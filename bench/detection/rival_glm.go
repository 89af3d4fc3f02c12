package main

import "math"

// logLinear is a quasi-Poisson regression log mu = a[group] + b t on counts at times 0, -1, -2, … relative to now, the newest first. The groups are those of the season:
// count k belongs to group k mod len(a). Its fields after fit are what a threshold needs.
type logLinear struct {
	count, power, weight []float64 // power is count^(2/3), for residuals
	origin               int       // age of the newest count, in steps
	groups               int
	trend                bool

	slope        float64
	mass, middle []float64 // by group: sum of weight mu, and the mean time by that weight
	mu           []float64
	spread       float64 // sum of weight mu (t - middle)²: the information about the slope
	dispersion   float64 // phi, at least 1
}

// fit maximises the quasi-likelihood by Fisher scoring, which is iteratively reweighted least squares with the intercepts solved for at every step:
// exp(a) = sum(w y) / sum(w exp(b t)). Ten steps, each of at most a factor of e over the whole history, are more than it needs.
func (m *logLinear) fit() {
	m.slope = 0
	for range 10 {
		step := m.expect()
		if !m.trend || m.spread <= 0 {
			break
		}
		bound := 1 / float64(len(m.count))
		step = min(max(step/m.spread, -bound), bound)
		m.slope += step
		if math.Abs(step) < 1e-6*bound {
			break
		}
	}
	if m.trend {
		m.expect()
	}
	m.disperse()
}

// expect sets mu, mass, middle and spread for the present slope and returns the derivative of the likelihood by the slope.
func (m *logLinear) expect() (score float64) {
	m.mass, m.middle = grown(m.mass, m.groups), grown(m.middle, m.groups)
	m.mu = grown(m.mu, len(m.count))
	seen := [7]float64{}
	growth, shrink := math.Exp(-m.slope*float64(m.origin)), math.Exp(-m.slope)
	for k, y := range m.count {
		g := k % m.groups
		m.mu[k] = growth
		m.mass[g] += m.weight[k] * growth
		m.middle[g] -= m.weight[k] * growth * float64(m.origin+k)
		seen[g] += m.weight[k] * y
		growth *= shrink
	}
	for g := range m.groups {
		m.middle[g] /= m.mass[g]
		seen[g] /= m.mass[g] // exp(a)
		m.mass[g] *= seen[g]
	}
	m.spread = 0
	for k, y := range m.count {
		g := k % m.groups
		m.mu[k] *= seen[g]
		from := -float64(m.origin+k) - m.middle[g]
		m.spread += m.weight[k] * m.mu[k] * from * from
		score += m.weight[k] * from * (y - m.mu[k])
	}
	return score
}

// disperse sets the dispersion: Pearson's statistic over the degrees of freedom, at least 1.
func (m *logLinear) disperse() {
	pearson, free := 0.0, float64(len(m.count)-m.parameters())
	for k, y := range m.count {
		if m.mu[k] > 0 {
			pearson += m.weight[k] * (y - m.mu[k]) * (y - m.mu[k]) / m.mu[k]
		}
	}
	m.dispersion = max(pearson/free, 1)
}

func (m *logLinear) parameters() int {
	if m.trend {
		return m.groups + 1
	}
	return m.groups
}

// predict returns the mean at age 0, now, and the variance of its logarithm.
func (m *logLinear) predict() (mean, variance float64) {
	now := (m.groups - m.origin%m.groups) % m.groups // the newest count of the season's level of now
	if m.mass[now] <= 0 {
		return 0, 0
	}
	mean = m.mu[now] * math.Exp(m.slope*float64(m.origin+now))
	variance = 1 / m.mass[now]
	if m.trend && m.spread > 0 {
		variance += m.middle[now] * m.middle[now] / m.spread
	}
	return mean, variance * m.dispersion
}

// significant says whether the slope differs from 0 at the 5 % level, by a t test; 1.96 + 2.4/df is its quantile to a hundredth from 10 degrees of freedom on.
func (m *logLinear) significant() bool {
	free := float64(len(m.count) - m.parameters())
	return m.spread > 0 && math.Abs(m.slope)*math.Sqrt(m.spread/m.dispersion) > 1.96+2.4/free
}

// downweight gives counts whose standardised Anscombe residual s exceeds bar the weight s^-2, and scales all weights to sum to their number.
func (m *logLinear) downweight(bar float64) {
	sum := 0.0
	for k := range m.count {
		old := m.weight[k]
		m.weight[k] = 1
		if s := m.residual(k, old); s > bar {
			m.weight[k] = 1 / (s * s)
		}
		sum += m.weight[k]
	}
	for k := range m.weight {
		m.weight[k] *= float64(len(m.weight)) / sum
	}
}

// residual is Anscombe's, 3/2 (y^(2/3) mu^(-1/6) - mu^(1/2)), over sqrt(phi (1 - leverage)).
func (m *logLinear) residual(k int, weight float64) float64 {
	mu, g := m.mu[k], k%m.groups
	if mu <= 0 {
		return 0
	}
	leverage := 1 / m.mass[g]
	if m.trend && m.spread > 0 {
		from := -float64(m.origin+k) - m.middle[g]
		leverage += from * from / m.spread
	}
	root := math.Sqrt(mu)
	return 1.5 * (m.power[k]/math.Cbrt(root) - root) / math.Sqrt(m.dispersion*max(1-leverage*weight*mu, 1e-6))
}

// grown returns x with length n, all zero.
func grown(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	x = x[:n]
	clear(x)
	return x
}
