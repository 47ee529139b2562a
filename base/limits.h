/*
 * limits: the one place that states how large anything may become (docs/architecture.md, Limits).
 * Genesis may lower some of them; nothing may raise one at run time.
 */
#ifndef HEFU_BASE_LIMITS_H
#define HEFU_BASE_LIMITS_H

#define LIMIT_VALIDATORS 128
/* Nodes that may link as peers: this epoch's validators, the last one's, new ones, observers. */
#define LIMIT_PEERS (4 * LIMIT_VALIDATORS)
#define LIMIT_PARTICIPANTS 65535
#define LIMIT_PARTICIPANT_KEYS 16
#define LIMIT_ACCOUNTS (1u << 20)
#define LIMIT_CURRENCIES 64
#define LIMIT_SERVICES 64
#define LIMIT_SCHEMES 256
#define LIMIT_CALENDARS 16
#define LIMIT_CALENDAR_DAYS 256
#define LIMIT_FEE_RULES 16
/* Unsettled cycles of one service, the open one included. */
#define LIMIT_SERVICE_CYCLES 32
#define LIMIT_QUEUE 10000
#define LIMIT_BATCH_RECORDS 8192
#define LIMIT_BLOCK_BATCHES 128
#define LIMIT_BLOCK_RECORDS 32768
#define LIMIT_PAGE_ENTRIES 4096
#define LIMIT_FRAME_BYTES (8u << 20)
#define LIMIT_POOL_BYTES (1ull << 30)
#define LIMIT_BATCH_LIFE_MS (24ull * 3600 * 1000)
/* An amount is below 10^18 minor units; the sum of 2^60 of them still fits 128 bits. */
#define LIMIT_AMOUNT 1000000000000000000ull
/* Views ahead of the current one for which votes are kept (docs/consensus.md, on_vote). */
#define LIMIT_VIEWS_AHEAD 64
/* Nullifications carried by one proposal; a receiver fetches the rest. */
#define LIMIT_PROPOSAL_NULLIFICATIONS 64

#endif
