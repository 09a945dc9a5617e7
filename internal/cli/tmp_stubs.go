package cli

import (
	"context"
	"errors"
	"log/slog"

	"github.com/milena-io/milena/internal/config"
	"github.com/spf13/cobra"
)

func (a *app) dumpLogCommand() *cobra.Command { return &cobra.Command{Use: "dump-log"} }
func startNode(ctx context.Context, cfg config.Config, logger *slog.Logger) (broker, error) {
	return nil, errors.New("x")
}
