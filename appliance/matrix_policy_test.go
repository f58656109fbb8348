package appliance_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// policy is who may do what, with the status that says so. A line that begins with "route" names one of the
// appliance's routes, the next ones what can stand there, and the indented ones what each role is told. A role
// that has no line there has that of "everybody", and then those of "everywhere". "…" repeats a status to the end of the line.
//
// REFRESH is LOCK without a body, SYNC is REPORT with sync-collection. COPY and MOVE go from there to the
// requester's own files, RESTORE is MOVE to where trash and versions are restored, and ">COPY" and ">MOVE" bring
// a file of the requester's own there. A role with "-in" looks for the thing below its own name, all others
// that have no right on it below the name of who has.
const policy = `
                           OPTIONS GET HEAD PROPFIND REPORT SYNC POST PUT MKCOL DELETE PROPPATCH LOCK REFRESH UNLOCK COPY MOVE RESTORE >COPY >MOVE
everywhere
  nobody                   200     401 …
  wrong disabled removed   401     …
  everybody                404     404 404  404      404    404  404  404 404   404    404       404  404     404    404  404  404     403   403

route /dav/files/
own file
  owner                    200     200 200  207      207    403  405  204 405   204    207       200  412     204    201  201  403     204   204
  owner-ro                 200     200 200  207      207    403  405  403 405   403    403       403  412     204    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
own folder
  owner                    200     200 200  207      207    207  405  405 405   204    207       200  412     204    201  201  403     204   204
  owner-ro                 200     200 200  207      207    207  405  405 405   403    403       403  412     204    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      404    404  405  405 409   404    404       409  404     404    404  404  403     409   409
own free name
  owner                    200     404 404  404      404    404  405  201 201   404    404       201  404     404    404  404  403     201   201
  owner-ro                 200     404 404  404      404    404  405  403 403   404    404       403  404     404    404  404  403     403   403
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
own deleted file
  owner                    200     404 404  404      404    404  405  201 201   404    404       201  404     404    404  404  403     201   201
  owner-ro                 200     404 404  404      404    404  405  403 403   404    404       403  404     404    404  404  403     403   403
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
own name without a parent
  owner                    200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
  owner-ro                 200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   403
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
own locked file
  owner                    200     200 200  207      207    403  405  423 405   423    423       423  200     204    201  423  403     423   423
  owner-ro                 200     200 200  207      207    403  405  403 405   403 …
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
own root
  owner                    200     200 200  207      207    207  405  405 405   403    207       200  412     204    403  403  403     403   403
  owner-ro                 200     200 200  207      207    207  405  405 405   403    403       403  412     204    403  403  403     403   403
root of nobody
shared file
  reader                   200     200 200  207      207    403  405  403 405   403    403       403  412     204    201  403  403     403   403
  writer manager           200     200 200  207      207    403  405  204 405   204    207       200  412     204    201  201  403     204   204
  manager-ro               200     200 200  207      207    403  405  403 405   403    403       403  412     204    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
shared folder
  reader                   200     200 200  207      207    207  405  405 405   403    403       403  412     204    201  403  403     403   403
  writer manager           200     200 200  207      207    207  405  405 405   204    207       200  412     204    201  201  403     204   204
  manager-ro               200     200 200  207      207    207  405  405 405   403    403       403  412     204    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      404    404  405  405 409   404    404       409  404     404    404  404  403     409   409
shared free name
  reader manager-ro        200     404 404  404      404    404  405  403 403   404    404       403  404     404    404  404  403     403   403
  writer manager           200     404 404  404      404    404  405  201 201   404    404       201  404     404    404  404  403     201   201
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
shared deleted file
  reader manager-ro        200     404 404  404      404    404  405  403 403   404    404       403  404     404    404  404  403     403   403
  writer manager           200     404 404  404      404    404  405  201 201   404    404       201  404     404    404  404  403     201   201
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
shared file locked by another
  reader                   200     200 200  207      207    403  405  403 405   403    403       403  412     403    201  403  403     403   403
  writer                   200     200 200  207      207    403  405  423 405   423    423       423  412     403    201  423  403     423   423
  manager                  200     200 200  207      207    403  405  423 405   423    423       423  412     204    201  423  403     423   423
  manager-ro               200     200 200  207      207    403  405  403 405   403    403       403  412     403 …
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
shared folder with a file locked by another
  reader                   200     200 200  207      207    207  405  405 405   403    403       403  412     409    201  403  403     403   403
  writer manager           200     200 200  207      207    207  405  405 405   207    207       207  412     409    201  207  403     207   207
  manager-ro               200     200 200  207      207    207  405  405 405   403    403       403  412     409    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      404    404  405  405 409   404    404       409  404     404    404  404  403     409   409
shared file in a folder locked by another
  reader                   200     200 200  207      207    403  405  403 405   403    403       403  412     403    201  403  403     403   403
  writer                   200     200 200  207      207    403  405  423 405   423    423       423  412     403    201  423  403     423   423
  manager                  200     200 200  207      207    403  405  423 405   423    423       423  412     204    201  423  403     423   423
  manager-ro               200     200 200  207      207    403  405  403 405   403    403       403  412     403 …
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
shared free name in a folder locked by another
  reader manager-ro        200     404 404  404      404    404  405  403 403   404    404       403  404     404    404  404  403     403   403
  writer manager           200     404 404  404      404    404  405  423 423   404    404       423  404     404    404  404  403     423   423
  stranger-in admin-in     200     404 404  404      404    404  405  409 409   404    404       409  404     404    404  404  403     409   409
mount of a shared folder
  reader                   200     200 200  207      207    207  405  405 405   403    403       403  412     204    201  403  403     403   403
  writer manager           200     200 200  207      207    207  405  405 405   403    207       200  412     204    201  403  403     403   403
  manager-ro               200     200 200  207      207    207  405  405 405   403    403       403  412     204    403  403  403     403   403

route /dav/trashbin/
own trash
  owner                    200     200 200  207      405    405  405  405 405   204    405       405  405     405    403  403  403     403   403
  owner-ro                 200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
own trash door
  owner owner-ro           200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
own place to restore
  owner owner-ro           200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
own trashed file
  owner                    200     200 200  207      405    405  405  405 405   204    405       405  405     405    201  201  201     403   403
  owner-ro                 200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  404  404     403   403
file in an own trashed folder
  owner                    200     200 200  207      405    405  405  405 405   403    405       405  405     405    201  403  403     403   403
  owner-ro                 200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  404  404     403   403
shared trashed file
  reader                   200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  404  404     403   403
  writer                   200     200 200  207      405    405  405  405 405   403    405       405  405     405    201  201  201     403   403
  manager                  200     200 200  207      405    405  405  405 405   204    405       405  405     405    201  201  201     403   403
  manager-ro               200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  404  404     403   403
file in a shared trashed folder
  reader                   200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  404  404     403   403
  writer manager           200     200 200  207      405    405  405  405 405   403    405       405  405     405    201  403  403     403   403
  manager-ro               200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  404  404     403   403

route /dav/versions/
own versions door
  owner owner-ro           200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
own versions of a file
  owner owner-ro           200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  404  404     403   403
own version
  owner                    200     200 200  207      405    405  405  405 405   204    405       405  405     405    201  403  204     403   403
  owner-ro                 200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  403  404     403   403
own version of a trashed file
  owner owner-ro           200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  403  404     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  403  404     403   403
own version of a locked file
  owner                    200     200 200  207      405    405  405  405 405   204    405       405  405     405    201  403  423     403   403
  owner-ro                 200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  403  404     403   403
shared versions of a file
  reader manager-ro        200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  writer manager           200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  404  404     403   403
shared version
  reader                   200     200 200  207      405    405  405  405 405   403    405       405  405     405    201  403  403     403   403
  writer                   200     200 200  207      405    405  405  405 405   403    405       405  405     405    201  403  204     403   403
  manager                  200     200 200  207      405    405  405  405 405   204    405       405  405     405    201  403  204     403   403
  manager-ro               200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  403  404     403   403
shared version of a file locked by another
  reader                   200     200 200  207      405    405  405  405 405   403    405       405  405     405    201  403  403     403   403
  writer                   200     200 200  207      405    405  405  405 405   403    405       405  405     405    201  403  423     403   403
  manager                  200     200 200  207      405    405  405  405 405   204    405       405  405     405    201  403  423     403   403
  manager-ro               200     200 200  207      405    405  405  405 405   403    405       405  405     405    403  403  403     403   403
  stranger-in admin-in     200     404 404  404      405    405  405  405 405   404    405       405  405     405    404  403  404     403   403

route /dav/uploads/
own uploads door
  owner owner-ro           200     405 405  207      405    405  405  405 405   403    405       405  405     405    405  403  403     403   403
own upload
  owner                    200     405 405  207      405    405  405  405 405   204    405       405  405     405    405  403  403     403   403
  owner-ro                 200     405 405  207      405    405  405  405 403   403    405       405  405     405    405  403  403     403   403
  stranger-in admin-in     200     405 405  404      405    405  405  405 201   404    405       405  405     405    405  403  403     403   403
own piece of an upload
  owner                    200     405 405  207      405    405  405  204 403   204    405       405  405     405    405  403  403     403   403
  owner-ro                 200     405 405  207      405    405  405  403 403   403    405       405  405     405    405  403  403     403   403
  stranger-in admin-in     200     405 405  404      405    405  405  404 403   404    405       405  405     405    405  403  403     403   403
file that own pieces make
  owner                    200     405 405  404      405    405  405  400 403   404    405       405  405     405    405  201  403     403   403
  owner-ro                 200     405 405  404      405    405  405  400 403   403    405       405  405     405    405  403  403     403   403
  stranger-in admin-in     200     405 405  404      405    405  405  400 403   404    405       405  405     405    405  404  403     403   403

route /dav/
root of DAV
  everybody                200     200 200  207      207    403  405  403 …
collection of doors
  everybody                200     200 200  207      207    403  405  403 …
collection of principals
  everybody                200     200 200  207      207    403  405  403 …
principal of one account
  owner owner-ro           200     200 200  207      207    403  405  403 …
  everybody                200     404 404  404      404    404  405  403 …
principal of a member
  reader writer            200     200 200  207      207    403  405  403 …
  manager manager-ro       200     200 200  207      207    403  405  403 …
  everybody                200     404 404  404      404    404  405  403 …
principal of a group
  reader writer            200     200 200  207      207    403  405  403 …
  manager manager-ro       200     200 200  207      207    403  405  403 …
  everybody                200     404 404  404      404    404  405  403 …

route GET /{$}
front page
  nobody                   200     200 200  401      405    405  405  405 405   405    405       405  405     405    405  405  405     401   401
  wrong disabled removed   401     200 200  401      405    405  405  405 405   405    405       405  405     405    405  405  405     401   401
  everybody                200     200 200  207      405    405  405  405 405   405    405       405  405     405    405  405  405     403   403

route GET /healthz
health
  nobody                   405     200 200  405      405    405  405  405 405   405    405       405  405     405    405  405  405     401   401
  wrong disabled removed   405     200 200  405      405    405  405  405 405   405    405       405  405     405    405  405  405     401   401
  everybody                405     200 200  405      405    405  405  405 405   405    405       405  405     405    405  405  405     403   403

route /.well-known/caldav
way to the calendars
  nobody                   301     301 301  301      301    301  301  301 301   301    301       301  301     301    301  301  301     401   401
  wrong disabled removed   301     301 301  301      301    301  301  301 301   301    301       301  301     301    301  301  301     401   401
  everybody                301     301 301  301      301    301  301  301 301   301    301       301  301     301    301  301  301     403   403

route /.well-known/carddav
way to the contacts
  nobody                   301     301 301  301      301    301  301  301 301   301    301       301  301     301    301  301  301     401   401
  wrong disabled removed   301     301 301  301      301    301  301  301 301   301    301       301  301     301    301  301  301     401   401
  everybody                301     301 301  301      301    301  301  301 301   301    301       301  301     301    301  301  301     403   403
`

// rules is the policy as the test reads it.
type rules struct {
	columns []string
	routes  []string
	states  []string
	route   map[string]string           // of each state
	lines   map[string]map[string][]int // state, role -> a status for each column
}

// everywhere are the lines that hold where a state has none, everybody the line of all who can sign in and have
// none of their own.
const everywhere, everybody = "everywhere", "everybody"

func readPolicy(t *testing.T) *rules {
	t.Helper()
	p := &rules{route: map[string]string{}, lines: map[string]map[string][]int{}}
	route, state := "", ""
	for text := range strings.Lines(policy) {
		line := strings.TrimSpace(text)
		switch name, isRoute := strings.CutPrefix(line, "route "); {
		case line == "":
		case p.columns == nil:
			p.columns = strings.Fields(line)
		case isRoute:
			route = name
			p.routes = append(p.routes, route)
		case text[0] != ' ':
			state = line
			if p.lines[state] != nil {
				t.Fatalf("policy: %q stands there twice", state)
			}
			p.lines[state] = map[string][]int{}
			if state != everywhere {
				p.states, p.route[state] = append(p.states, state), route
			}
		default:
			p.readLine(t, state, strings.Fields(line))
		}
	}
	return p
}

func (p *rules) readLine(t *testing.T, state string, fields []string) {
	t.Helper()
	first := slices.IndexFunc(fields, func(f string) bool { return strings.Trim(f, "0123456789") == "" })
	var statuses []int
	for _, f := range fields[first:] {
		if f == "…" {
			for len(statuses) < len(p.columns) {
				statuses = append(statuses, statuses[len(statuses)-1])
			}
			break
		}
		status, err := strconv.Atoi(f)
		if err != nil {
			t.Fatalf("policy of %q: %v", state, err)
		}
		statuses = append(statuses, status)
	}
	if len(statuses) != len(p.columns) {
		t.Fatalf("policy of %q, %v: %d statuses for %d columns", state, fields[:first], len(statuses), len(p.columns))
	}
	for _, who := range fields[:first] {
		if who == everybody {
			p.lines[state][who] = statuses
			continue
		}
		if !slices.ContainsFunc(roles, func(r role) bool { return r.name == who }) || p.lines[state][who] != nil {
			t.Fatalf("policy of %q: the role %q is unknown or stands there twice", state, who)
		}
		p.lines[state][who] = statuses
	}
}

// of is what the policy says of a role; nil when it says nothing.
func (p *rules) of(state string, who role) []int {
	for _, lines := range []map[string][]int{p.lines[state], p.lines[everywhere]} {
		if line := lines[who.name]; line != nil {
			return line
		}
		if line := lines[everybody]; line != nil && who.signsIn() && !who.within {
			return line
		}
	}
	return nil
}
