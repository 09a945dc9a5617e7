package api

// notes are the differences from Kafka that a user can meet, by served key.
var notes = map[int16]string{
	0:  "Advertised from v0 as Kafka does, answered from v3. Transactional batches are refused: there is no transaction coordinator. A batch may not be followed by stray bytes.",
	1:  "Fetch sessions belong to the principal that opened them. `replica_id` ≥ 0 never counts as replication.",
	2:  "`replica_id` is ignored.",
	3:  "An auto-created topic is in the first answer; Kafka needs a second request.",
	10: "Transaction and share coordinators: `INVALID_REQUEST` with a message that says there is none.",
	18: "Features: `metadata.version` only; group, transaction, share and streams versions appear when their coordinators exist.",
	20: "The broker's own topics can't be deleted.",
	22: "Idempotent producers only; with a transactional id `NOT_COORDINATOR`.",
	32: "One logger, `root`. No client metrics resources.",
	33: "Loggers and client metrics are refused.",
	44: "Listeners and the log level are set at start; client metrics are refused.",
	55: "Offsets are indices of the quorum's own log.",
	74: "v0 (client metrics) is always empty.",
}

// absent says why a key that Kafka serves is left out.
var absent = map[int16]string{
	17: "no SASL listeners yet",
	24: "no transaction coordinator yet", 25: "no transaction coordinator yet", 26: "no transaction coordinator yet",
	27: "no transaction coordinator yet", 28: "no transaction coordinator yet", 65: "no transaction coordinator yet", 66: "no transaction coordinator yet",
	29: "no access control yet", 30: "no access control yet", 31: "no access control yet",
	34: "one data directory per broker",
	36: "no SASL listeners yet",
	38: "no delegation tokens", 39: "no delegation tokens", 40: "no delegation tokens", 41: "no delegation tokens",
	43: "one broker: nothing to elect",
	45: "one broker: nothing to reassign", 46: "one broker: nothing to reassign",
	48: "no quotas yet", 49: "no quotas yet",
	50: "no SASL listeners yet", 51: "no SASL listeners yet",
	57: "features are finalized when the cluster is created",
	64: "one broker: nothing to unregister", 94: "one broker: nothing to unregister",
	68: "classic groups only (no KIP-848 coordinator yet)", 69: "classic groups only (no KIP-848 coordinator yet)",
	76: "no share groups yet", 77: "no share groups yet", 78: "no share groups yet", 79: "no share groups yet",
	83: "no share groups yet", 84: "no share groups yet", 85: "no share groups yet", 86: "no share groups yet", 87: "no share groups yet",
	90: "no share groups yet", 91: "no share groups yet", 92: "no share groups yet",
	80: "one broker: a quorum of one", 81: "one broker: a quorum of one",
	88: "no streams groups yet", 89: "no streams groups yet", 93: "no streams groups yet",
}
