/* page_build: entries to pages (see page_build.h). */
#include "ledger/page_build.h"

#include <string.h>

#include "base/check.h"

#define RADIX_BITS 10
#define RADIX (1u << RADIX_BITS)

_Static_assert(LIMIT_ACCOUNTS <= 1u << (2 * RADIX_BITS), "two passes sort account numbers");

/* One stable pass over RADIX_BITS bits; account numbers are sorted in linear time, in place of a
   library sort that may allocate. */
static void radix_pass(const uint32_t *from, uint32_t *to, uint32_t count, unsigned shift)
{
    uint32_t starts[RADIX + 1] = {0};
    for (uint32_t i = 0; i < count; i++) {
        starts[(from[i] >> shift & (RADIX - 1)) + 1]++;
    }
    for (uint32_t i = 0; i < RADIX; i++) {
        starts[i + 1] += starts[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        to[starts[from[i] >> shift & (RADIX - 1)]++] = from[i];
    }
}

static struct touched_account *touched_of(struct ledger *ledger, uint32_t account)
{
    CHECK(ledger->account_marks[account].generation == ledger->generation);
    return &ledger->touched[ledger->account_marks[account].touched];
}

/* Entries, or a change of limit or flags. A new account without either has a leaf and no page. */
static bool has_page(const struct ledger *ledger, const struct touched_account *touched)
{
    const struct account *now = &ledger->accounts[touched->before.number];
    return touched->entries > 0 || now->limit != touched->before.limit ||
           now->flags != touched->before.flags;
}

void page_build_changed(struct ledger *ledger)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ledger->touched_count; i++) {
        /* A failed chain leaves accounts that were touched and taken back. */
        uint32_t number = ledger->touched[i].before.number;
        if (has_page(ledger, &ledger->touched[i]) || number >= ledger->account_count_before) {
            ledger->changed[count++] = number;
        }
    }
    radix_pass(ledger->changed, ledger->changed_scratch, count, 0);
    radix_pass(ledger->changed_scratch, ledger->changed, count, RADIX_BITS);
    ledger->changed_count = count;
}

static uint32_t part_count(uint32_t entries)
{
    return entries == 0 ? 1 : (entries + LIMIT_PAGE_ENTRIES - 1) / LIMIT_PAGE_ENTRIES;
}

/* Full pages stand one after the other, so an entry's address follows from its number. */
static uint8_t *entry_address(const struct touched_account *touched, uint32_t entry)
{
    return touched->pages + (size_t)(entry / LIMIT_PAGE_ENTRIES) * PAGE_BYTES_MAX +
           PAGE_HEAD_BYTES + (size_t)(entry % LIMIT_PAGE_ENTRIES) * PAGE_ENTRY_BYTES;
}

static void reserve_pages(struct ledger *ledger)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < ledger->changed_count; i++) {
        struct touched_account *touched = touched_of(ledger, ledger->changed[i]);
        touched->pages = ledger->page_bytes + used;
        used += (uint64_t)part_count(touched->entries) * PAGE_HEAD_BYTES +
                (uint64_t)touched->entries * PAGE_ENTRY_BYTES;
    }
    CHECK(used <= ledger->limits.page_bytes);
}

static void scatter_entries(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->entry_count; i++) {
        const struct logged_entry *logged = &ledger->entries[i];
        struct touched_account *touched = touched_of(ledger, logged->account);
        memcpy(entry_address(touched, touched->placed++), &logged->entry, PAGE_ENTRY_BYTES);
    }
}

static void add_entries(struct total totals[ACCOUNT_TOTALS], const uint8_t *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct page_entry entry;
        memcpy(&entry, entries + (size_t)i * PAGE_ENTRY_BYTES, PAGE_ENTRY_BYTES);
        totals[entry.total].minor += (unsigned __int128)(__int128)entry.delta;
    }
}

static void append_write(struct ledger *ledger, uint32_t page_number, const struct page_head *head,
                         const uint8_t *page, size_t length)
{
    CHECK(page_number < ledger->limits.pages);
    uint8_t *key = ledger->page_keys + (size_t)page_number * PAGE_KEY_BYTES;
    page_key(head->account, head->height, head->part, key);
    CHECK(ledger->outcome.write_count < ledger->limits.writes);
    ledger->writes[ledger->outcome.write_count++] =
        (struct ledger_write){.table = TABLE_PAGES,
                              .key_length = PAGE_KEY_BYTES,
                              .value_length = (uint32_t)length,
                              .key = key,
                              .value = page};
}

/* The pages of one account; page_number counts through the block. */
static const char *finish_pages(struct ledger *ledger, struct account *account,
                                struct touched_account *touched, uint32_t *page_number)
{
    CHECK(touched->placed == touched->entries);
    struct page_head head = {.account = account->number,
                             .height = ledger->block->height,
                             .previous_height = account->last_page_height,
                             .limit = account->limit,
                             .flags = account->flags};
    memcpy(head.totals, touched->before.totals, sizeof head.totals);
    uint32_t parts = has_page(ledger, touched) ? part_count(touched->entries) : 0;
    for (uint32_t done = 0; head.part < parts; done += head.count, head.part++) {
        uint32_t left = touched->entries - done;
        head.count = (uint16_t)(left < LIMIT_PAGE_ENTRIES ? left : LIMIT_PAGE_ENTRIES);
        uint8_t *page = entry_address(touched, done) - PAGE_HEAD_BYTES;
        add_entries(head.totals, page + PAGE_HEAD_BYTES, head.count);
        page_head_encode(&head, page);
        size_t length = PAGE_HEAD_BYTES + (size_t)head.count * PAGE_ENTRY_BYTES;
        account->head = page_chain(&account->head, page, length);
        append_write(ledger, (*page_number)++, &head, page, length);
        head.previous_height = head.height;
    }
    account->entries += touched->entries;
    account->last_page_height = parts > 0 ? head.height : account->last_page_height;
    for (unsigned i = 0; i < ACCOUNT_TOTALS; i++) {
        if (!total_equal(head.totals[i], account->totals[i])) {
            return "an account's pages do not add up to its totals";
        }
    }
    return NULL;
}

const char *page_build(struct ledger *ledger)
{
    reserve_pages(ledger);
    scatter_entries(ledger);
    uint32_t page_number = 0;
    for (uint32_t i = 0; i < ledger->changed_count; i++) {
        struct touched_account *touched = touched_of(ledger, ledger->changed[i]);
        const char *what =
            finish_pages(ledger, &ledger->accounts[ledger->changed[i]], touched, &page_number);
        if (what != NULL) {
            return what;
        }
    }
    return NULL;
}
