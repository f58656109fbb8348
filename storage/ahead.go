package storage

import "os"

const (
	aheadStep = 1 << 20   // how far behind its last page the record file is filled with zeros
	aheadLow  = 256 << 10 // how much of that is left when it is filled again
)

// ahead keeps blocks ready behind the last page of the record file. The engine makes the file longer without
// giving it blocks: the first write to each would make the file system write its journal within the commit,
// which costs more than the commit itself. Nothing refers to what lies there, and only the leader of a commit
// touches it.
type ahead struct {
	file *os.File
	to   int64 // there are blocks until here, as far as is known
}

// fill writes zeros behind used, where the pages of the committed state end. When it cannot, the commit goes on as
// it would without.
func (a *ahead) fill(used int64) {
	if used+aheadLow <= a.to {
		return
	}
	info, err := a.file.Stat()
	if err != nil {
		return
	}
	zeros := make([]byte, 64<<10)
	end := min(info.Size(), used+aheadStep)
	for at := max(used, a.to); at < end; at += int64(len(zeros)) {
		if _, err := a.file.WriteAt(zeros[:min(int64(len(zeros)), end-at)], at); err != nil {
			return
		}
		a.to = min(end, at+int64(len(zeros)))
	}
}
