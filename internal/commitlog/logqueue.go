package commitlog

// logQueue is a first-in-first-out queue that can be taken as a whole.
type logQueue struct {
	logs  []*Log
	head  int    // of logs that were taken one by one
	spare []*Log // for what comes after takeAll
}

func (q *logQueue) len() int { return len(q.logs) - q.head }

func (q *logQueue) push(l *Log) {
	if q.head > 0 && len(q.logs) == cap(q.logs) {
		n := copy(q.logs, q.logs[q.head:])
		clear(q.logs[n:])
		q.logs, q.head = q.logs[:n], 0
	}
	q.logs = append(q.logs, l)
}

func (q *logQueue) pop() *Log {
	l := q.logs[q.head]
	q.logs[q.head] = nil
	q.head++
	if q.head == len(q.logs) {
		q.logs, q.head = q.logs[:0], 0
	}
	return l
}

// takeAll empties the queue. What it returns should be given back.
func (q *logQueue) takeAll() []*Log {
	all := q.logs[q.head:]
	q.logs, q.head, q.spare = q.spare, 0, nil
	return all
}

func (q *logQueue) giveBack(logs []*Log) {
	clear(logs)
	q.spare = logs[:0]
}
