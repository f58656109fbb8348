// Package account keeps who uses the appliance and what belongs to whom: accounts, groups with the roles of
// their members, the shared folders of a group, app passwords, and how many bytes each space holds. A space
// is the files of an account or a shared folder; its id is the account's or the folder's.
//
// It owns the tables account, accountname, group, groupname, membership, member, folder, groupfolder,
// apppassword, device, signin and usage.
package account
