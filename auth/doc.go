// Package auth tells who is at the door: HTTP Basic (RFC 7617) with an app password or the account's own
// password, one throttle for every door, and the secret key of the appliance. What an identity may do is
// decided in auth/access. It owns no tables; accounts and app passwords are records of storage/account.
package auth
