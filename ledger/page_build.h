/*
 * page_build: turns the log of a block's entries into account pages and moves the accounts' heads
 * (docs/formats.md, Account page).
 */
#ifndef HEFU_LEDGER_PAGE_BUILD_H
#define HEFU_LEDGER_PAGE_BUILD_H

#include "ledger/state.h"

/* Lists the accounts with entries, ascending, in ledger->changed. */
void page_build_changed(struct ledger *ledger);

/* Lays out the pages of all changed accounts, appends a write of each in the order of its key, and
   sets entries, last_page_height and head. NULL, or the invariant that broke: pages must add up
   to the totals. */
const char *page_build(struct ledger *ledger);

#endif
