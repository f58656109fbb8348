// Package appliance puts the house together: it reads the configuration, opens the store, hands its parts to
// the doors, and serves. routes.go holds every address, jobs.go what runs at night, layout_test.go the order
// of the packages: each imports only those that stand before it.
//
//	storage  blob  changelog  account  tree  upload        records, contents, who, which files
//	auth  access                                           who is asking, what they may do
//	xmltree  dav  conditional  principal                   the protocol
//	files                                                  the work on files, for whoever asks
//	door: webdav  trashbin  versions  uploads              what speaks HTTP
//	appliance: jobs  control                               the schedule, the commands
//	cmd/ruche                                              the command line
//
// A PUT comes in through the connection limits (conns.go), gets a number and deadlines (guard.go), and is
// matched on its escaped path (routes.go). Auth says who it is, and webdav hands it to files, which refuses early in
// a View what the rights, locks or the quota forbid. The body goes to a temporary file of package blob, hashed,
// synced and named by its sum. One Update then checks everything again, reserves the space, links the content
// to its node and logs the change. Only when that commit is on the disk the client reads 201 or 204.
package appliance
