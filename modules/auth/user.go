package auth

import (
	"slices"

	"github.com/hawser-go/hawser/actors"
)

// Permitted is a principal of whom is known what it may do.
type Permitted interface {
	actors.Principal
	// May reports whether it has a permission. It must not block.
	May(permission string) bool
}

// User is a simple principal. It is immutable.
type User struct {
	id          string
	permissions []string
}

var _ Permitted = (*User)(nil)

// NewUser makes a user with these permissions. The id must not be empty: it is what
// limits go by.
func NewUser(id string, permissions ...string) *User {
	return &User{id: id, permissions: slices.Clone(permissions)}
}

// Identity implements actors.Principal.
func (u *User) Identity() string { return u.id }

// May implements Permitted.
func (u *User) May(permission string) bool { return slices.Contains(u.permissions, permission) }
