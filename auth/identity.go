package auth

// Identity is who a request comes from, as the store knew them when the request began.
type Identity struct {
	Account  uint64 // id of the account
	Name     string // its login name
	Display  string // the name others read, never empty
	Admin    bool   // may manage accounts and groups; gives no right on anybody's files
	Device   uint64 // id of the app password, 0 for the account's own password
	ReadOnly bool   // the app password may only read
}
