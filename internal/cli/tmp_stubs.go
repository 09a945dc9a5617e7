package cli

import (
	"context"
	"errors"
	"log/slog"

	"github.com/milena-io/milena/internal/config"
)

func startNode(ctx context.Context, cfg config.Config, logger *slog.Logger) (broker, error) {
	return nil, errors.New("x")
}
