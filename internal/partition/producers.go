package partition

import "github.com/milena-io/milena/internal/commitlog"

// Producers lists the known producers by id. After a start the log may have to be
// looked at for it, which can fail.
func (p *Partition) Producers() ([]commitlog.ProducerInfo, error) {
	list, err := p.log.Producers()
	if err != nil {
		return nil, p.readError(err)
	}
	return list, nil
}
