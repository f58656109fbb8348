package dav

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"ruche/dav/xmltree"
)

// Names of the roots of request bodies.
var (
	ElementPropfind       = Name("propfind")       // RFC 4918, section 14.20.
	ElementPropertyUpdate = Name("propertyupdate") // RFC 4918, section 14.19.
	ElementLockInfo       = Name("lockinfo")       // RFC 4918, section 14.11.
	ElementMkcol          = Name("mkcol")          // RFC 5689, section 5.1.
	ElementMkcalendar     = xml.Name{Space: NSCalDAV, Local: "mkcalendar"}

	ReportSyncCollection             = Name("sync-collection")               // RFC 6578, section 6.1.
	ReportExpandProperty             = Name("expand-property")               // RFC 3253, section 3.8.
	ReportPrincipalMatch             = Name("principal-match")               // RFC 3744, section 9.3.
	ReportPrincipalPropertySearch    = Name("principal-property-search")     // RFC 3744, section 9.4.
	ReportPrincipalSearchPropertySet = Name("principal-search-property-set") // RFC 3744, section 9.5.
)

// Propfind says which properties a client wants. RFC 4918, section 14.20.
type Propfind struct {
	Kind  PropfindKind
	Names []xml.Name // those of prop, or of include beside allprop; each once
}

// PropfindKind tells the three forms of a propfind apart.
type PropfindKind int

const (
	AllProp  PropfindKind = iota // the values of those in allprop
	PropName                     // the names of all
	Prop                         // the values of those named
)

// ReadFinitePropfind reads Depth and body of a PROPFIND. Deeper than 1 is refused: an answer costs what is asked, and a
// client that wants all has sync-collection.
func ReadFinitePropfind(r *http.Request) (depth Depth, pf Propfind, err error) {
	if depth, err = ParseDepth(r.Header); err != nil {
		return depth, pf, err
	}
	if depth.Or(DepthInfinity) == DepthInfinity {
		return depth, pf, Precondition(http.StatusForbidden, PropfindFiniteDepth)
	}
	pf, err = ReadPropfind(r)
	return depth, pf, err
}

// ReadPropfind reads the body of a PROPFIND. No body, an empty element and unknown forms mean allprop, as
// RFC 4918, section 9.1, has it. Errors are those of ReadXML, and 400 for another root element.
func ReadPropfind(r *http.Request) (Propfind, error) {
	e, err := ReadXML(r, xmltree.Limits{})
	if err == ErrNoBody {
		return Propfind{}, nil
	}
	if err != nil {
		return Propfind{}, err
	}
	return ParsePropfind(e)
}

// ParsePropfind reads a propfind element; another root is 400.
func ParsePropfind(e *xmltree.Element) (Propfind, error) {
	if err := expectRoot(e, ElementPropfind); err != nil {
		return Propfind{}, err
	}
	return PropsOf(e), nil
}

func expectRoot(e *xmltree.Element, names ...xml.Name) error {
	if slices.Contains(names, e.Name) {
		return nil
	}
	return Errorf(http.StatusBadRequest, "the request body must be a %s element", names[0].Local)
}

// PropsOf reads what a propfind element has inside from any element that has the same, as reports do.
func PropsOf(e *xmltree.Element) Propfind {
	prop, all, include := e.Child(Name("prop")), e.Child(Name("allprop")), e.Child(Name("include"))
	switch {
	case e.Child(Name("propname")) != nil:
		return Propfind{Kind: PropName}
	case prop != nil && all == nil:
		return Propfind{Kind: Prop, Names: namesOf(prop)}
	case prop != nil: // both: all of them, and those
		return Propfind{Names: namesOf(prop)}
	case include != nil:
		return Propfind{Names: namesOf(include)}
	}
	return Propfind{}
}

// namesOf lists the names of the children, each once.
func namesOf(e *xmltree.Element) []xml.Name {
	names := make([]xml.Name, 0, len(e.Children))
	seen := make(map[xml.Name]bool, len(e.Children))
	for _, c := range e.Children {
		if !seen[c.Name] {
			seen[c.Name] = true
			names = append(names, c.Name)
		}
	}
	return names
}

// Instruction sets or removes one property. RFC 4918, sections 14.23 and 14.26.
type Instruction struct {
	Name  xml.Name
	Value *xmltree.Element // the property as sent; nil to remove it
}

// ParsePropertyUpdate reads the body of a PROPPATCH: its instructions in the order of the document, which is the
// order in which they count. RFC 4918, section 9.2. One without an instruction is 400.
func ParsePropertyUpdate(e *xmltree.Element) ([]Instruction, error) {
	if err := expectRoot(e, ElementPropertyUpdate); err != nil {
		return nil, err
	}
	return instructionsOf(e)
}

// ParseMkcol reads the body of an extended MKCOL (RFC 5689, section 5.1) or a MKCALENDAR (RFC 4791, section 9.2):
// the properties to set on the new collection, resourcetype among them. Another root is 415, as RFC 4918, section
// 9.3, wants for bodies that are not understood.
func ParseMkcol(e *xmltree.Element) ([]Instruction, error) {
	if expectRoot(e, ElementMkcol, ElementMkcalendar) != nil {
		return nil, Errorf(http.StatusUnsupportedMediaType, "this body is not understood")
	}
	if len(e.Children) == 0 {
		return nil, nil
	}
	return instructionsOf(e)
}

func instructionsOf(e *xmltree.Element) ([]Instruction, error) {
	var list []Instruction
	for _, action := range e.Children {
		set := action.Name == Name("set")
		if !set && (action.Name != Name("remove") || e.Name != ElementPropertyUpdate) {
			continue
		}
		for _, prop := range action.Children {
			if prop.Name != Name("prop") {
				continue
			}
			for _, p := range prop.Children {
				in := Instruction{Name: p.Name}
				if set {
					in.Value = p
				}
				list = append(list, in)
			}
		}
	}
	switch {
	case len(list) == 0:
		return nil, Errorf(http.StatusBadRequest, "the request names no property")
	case len(list) > maxInstructions:
		return nil, Errorf(http.StatusRequestEntityTooLarge, "the request changes more than %d properties", maxInstructions)
	}
	return list, nil
}

// maxInstructions bounds the work of one request, which others who write wait for.
const maxInstructions = 256

// MaxOwner is the longest owner element of a lock, in bytes.
const MaxOwner = 2 << 10

// LockInfo is the body of a LOCK that makes a lock. RFC 4918, section 14.11.
type LockInfo struct {
	Shared bool   // lockscope shared, else exclusive
	Owner  []byte // the owner element, able to stand alone; nil when there is none
}

// ParseLockInfo reads a lockinfo. A scope or a type that is unknown or missing is 400, an owner longer than
// MaxOwner 413.
func ParseLockInfo(e *xmltree.Element) (LockInfo, error) {
	var l LockInfo
	if err := expectRoot(e, ElementLockInfo); err != nil {
		return l, err
	}
	scope, kind := e.Child(Name("lockscope")), e.Child(Name("locktype"))
	if scope == nil || kind == nil || kind.Child(Name("write")) == nil {
		return l, Errorf(http.StatusBadRequest, "a lock needs a scope, and the type write")
	}
	exclusive, shared := scope.Child(Name("exclusive")) != nil, scope.Child(Name("shared")) != nil
	if exclusive == shared {
		return l, Errorf(http.StatusBadRequest, "a lock is either exclusive or shared")
	}
	l.Shared = shared
	if owner := e.Child(Name("owner")); owner != nil {
		if l.Owner = owner.Raw(); len(l.Owner) > MaxOwner {
			return l, Errorf(http.StatusRequestEntityTooLarge, "the owner of the lock is too long")
		}
	}
	return l, nil
}

// UnknownReport is the answer to a REPORT that the resource does not have. RFC 3253, section 3.6.
func UnknownReport(name xml.Name) error {
	e := Precondition(http.StatusForbidden, SupportedReport)
	e.Message = "this resource has no report " + strings.ToValidUTF8(name.Local[:min(len(name.Local), 64)], "")
	return e
}
