package api

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// InitProducerId (key 22, v0–v5) gives an idempotent producer its id.
//
//   - Without a transactional id: a new id with epoch 0, whatever id and epoch
//     the request carries (v3+), as in Kafka; one of the two without the other
//     is INVALID_REQUEST. Ids come from blocks that the
//     controller hands out, so that they are unique in the cluster for ever.
//     While no block is to be had the answer is COORDINATOR_LOAD_IN_PROGRESS.
//   - With one: NOT_COORDINATOR, as from any broker that does not coordinate that
//     id. Clients then ask FindCoordinator, whose answer explains that there is
//     no transaction coordinator. An empty transactional id is INVALID_REQUEST,
//     a time-out below 1 INVALID_TRANSACTION_TIMEOUT.
func handleInitProducerID(a *API, ctx context.Context, r *Request, req *kmsg.InitProducerIDRequest) kmsg.Response {
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.ProducerID, resp.ProducerEpoch = -1, -1
	if r.Version >= 3 && (req.ProducerID == -1) != (req.ProducerEpoch == -1) {
		resp.ErrorCode = kerr.InvalidRequest.Code
		return resp
	}
	if req.TransactionalID != nil {
		resp.ErrorCode = a.refuseTransactional(r, req).Code
		return resp
	}
	if !a.clusterAllowed(r.Conn, mayIdempotentWrite) && !a.cfg.Authorizer.AuthorizeAny(r.Conn, mayWrite, onTopic) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	id, err := a.producers.next(ctx, a.cfg.Controller)
	if err != nil {
		a.cfg.Logger.Warn("no producer ids to be had", "error", err)
		resp.ErrorCode = kerr.CoordinatorLoadInProgress.Code
		return resp
	}
	resp.ProducerID, resp.ProducerEpoch = id, 0
	return resp
}

func (a *API) refuseTransactional(r *Request, req *kmsg.InitProducerIDRequest) *kerr.Error {
	switch {
	case !a.allowed(r.Conn, mayWrite, onTxn, *req.TransactionalID):
		return kerr.TransactionalIDAuthorizationFailed
	case *req.TransactionalID == "":
		return kerr.InvalidRequest
	case req.TransactionTimeoutMillis <= 0:
		return kerr.InvalidTransactionTimeout
	}
	return kerr.NotCoordinator
}

// producerIDBlock is how many ids are taken at a time; a restart wastes the
// rest of a block.
const producerIDBlock = 1000

// producerIDs hands out ids of the current block.
type producerIDs struct {
	mu       sync.Mutex
	from, to int64
	fetching chan struct{} // non-nil while somebody fetches a block
}

func (p *producerIDs) next(ctx context.Context, c Controller) (int64, error) {
	for {
		p.mu.Lock()
		if p.from < p.to {
			id := p.from
			p.from++
			p.mu.Unlock()
			return id, nil
		}
		wait := p.fetching
		if wait == nil {
			p.fetching = make(chan struct{})
		}
		p.mu.Unlock()
		if wait == nil {
			if err := p.fetch(ctx, c); err != nil {
				return -1, err
			}
			continue
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return -1, ctx.Err()
		}
	}
}

// fetch gets a block for everybody who waits. If it fails the next one of them
// tries with a context of its own.
func (p *producerIDs) fetch(ctx context.Context, c Controller) error {
	first, err := c.AllocateProducerIDs(ctx, producerIDBlock)
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.fetching)
	p.fetching = nil
	if err == nil {
		p.from, p.to = first, first+producerIDBlock
	}
	return err
}
