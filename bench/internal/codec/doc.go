// Package codec measures which deflate codec suits permessage-deflate: what one
// message costs, and how short it becomes. It has no code of its own; see
// docs/decisions/0012-permessage-deflate.md.
package codec
