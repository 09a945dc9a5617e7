package group

// state is a group's place in the protocol.
type state int8

const (
	empty state = iota
	preparingRebalance
	completingRebalance
	stable
)

// stateDead is what a group that does not exist is described as.
const stateDead = "Dead"

func (s state) String() string {
	switch s {
	case empty:
		return "Empty"
	case preparingRebalance:
		return "PreparingRebalance"
	case completingRebalance:
		return "CompletingRebalance"
	default:
		return "Stable"
	}
}
