/*
 * page: what a block did to one account: 104 bytes of head, then 16 bytes an entry
 * (docs/formats.md, Account page). Pages chain by head' = H("hefu.page", head ‖ page), so the head
 * in the account leaf fixes every entry the account ever had, in order.
 *
 *   leaf.head ◄─ H ◄─ page height 9 ◄─ H ◄─ page height 4 part 1 ◄─ H ◄─ page height 4 ◄─ 0...
 */
#ifndef HEFU_LEDGER_PAGE_H
#define HEFU_LEDGER_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/status.h"
#include "ledger/account.h"

#define PAGE_HEAD_BYTES 104
#define PAGE_ENTRY_BYTES 16
#define PAGE_BYTES_MAX (PAGE_HEAD_BYTES + LIMIT_PAGE_ENTRIES * PAGE_ENTRY_BYTES)

/* Set in an entry that an event of the block made, not one of its records. */
#define PAGE_ENTRY_EVENT 1u

/* Which leg of its record an entry belongs to. Numbers are stable. */
enum record_leg {
    LEG_AMOUNT = 0,
    LEG_INTERCHANGE = 1,
    LEG_PAYER_FEE = 2,
    LEG_PAYEE_FEE = 3,
    LEG_RESERVED_AMOUNT = 4,
    LEG_RESERVED_FEE = 5,
    LEG_NETTED = 6, /* settlement: POSITION against NETTING */
    LEG_PAID = 7,   /* SETTLEMENT against NETTING */
    LEG_SEIZED = 8, /* COLLATERAL to NETTING, in a default */
    LEG_CLAIMED = 9 /* CLAIM to NETTING: what the fund pays */
};

/* As stored: mapped in place. */
struct page_entry {
    uint32_t index; /* batch_index << 16 | record_index; of an event: its place in the block */
    uint8_t leg;    /* enum record_leg */
    uint8_t total;  /* enum account_total */
    uint8_t flags;  /* PAGE_ENTRY_EVENT */
    uint8_t reserved;
    int64_t delta; /* added to that total */
};

_Static_assert(sizeof(struct page_entry) == PAGE_ENTRY_BYTES, "an entry is 16 bytes");

struct page_head {
    uint32_t account;
    uint16_t count; /* entries on this page */
    uint16_t part;  /* from 0, of the pages of one height */
    uint64_t height;
    uint64_t previous_height; /* of the page before this one in the chain; 0: this is the first */
    uint64_t limit;
    uint32_t flags;
    struct total totals[ACCOUNT_TOTALS]; /* after this page */
};

/* A page parsed in place: entries are borrowed and unaligned, read them with page_entry_at. */
struct page {
    struct page_head head;
    const uint8_t *entries;
};

void page_head_encode(const struct page_head *head, uint8_t ret_bytes[PAGE_HEAD_BYTES]);

/* Checks length, count, reserved bytes and each entry's total and flags. Errors: TRUNCATED,
   TRAILING, MALFORMED. */
enum status page_parse(struct span bytes, struct page *ret_page) MUST_USE;
/* Entry at (< head.count). */
struct page_entry page_entry_at(const struct page *page, unsigned at);

/* The account's next head after this page. */
struct hash page_chain(const struct hash *head, const void *page, size_t length);

#endif
