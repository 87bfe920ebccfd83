// Package plot draws horizontal bars as SVG: on light and on dark pages, with a label for
// every figure, without scripts. The same chart always gives the same bytes.
package plot
