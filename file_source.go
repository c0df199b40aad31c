package oxlin

import "strings"

// filePrefix begins the sources of transactions that came in files.
const filePrefix = "file."

// FileSource returns where transactions of files of a format come from. It stands in the place
// of a channel definition: ids of files are compared with those of files of this format alone.
// Names are stored and never change.
func FileSource(format string) ChannelDefinitionID {
	family, _, _ := strings.Cut(strings.ToLower(format), ".") // camt.052 and camt.053 share their references
	return ChannelDefinitionID(filePrefix + family)
}

// IsFile reports whether transactions came in files and not over a channel.
func (id ChannelDefinitionID) IsFile() bool { return strings.HasPrefix(string(id), filePrefix) }
