// Package report turns results into tables and verdicts. It compares medians of slices,
// and it knows how far to trust them: see Estimate.
package report
