// Package archtest holds the laws of this repository as tests: who imports whom,
// what is not used and why, what the comment of a message must say, and that the
// documentation shows what is there. It has no other code.
package archtest
