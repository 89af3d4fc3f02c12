// Package directory asks Nango's API which connections there are, whose they are, and since when.
package directory
