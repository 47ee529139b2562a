/* page: the bytes of an account page and the chain of heads (see page.h). */
#include "ledger/page.h"

#include "base/check.h"

void page_head_encode(const struct page_head *head, uint8_t ret_bytes[PAGE_HEAD_BYTES])
{
    struct writer writer = writer_over(ret_bytes, PAGE_HEAD_BYTES);
    writer_u32(&writer, head->account);
    writer_u16(&writer, head->count);
    writer_u16(&writer, head->part);
    writer_u64(&writer, head->height);
    writer_u64(&writer, head->previous_height);
    writer_u64(&writer, head->limit);
    writer_u32(&writer, head->flags);
    writer_u32(&writer, 0);
    for (unsigned i = 0; i < ACCOUNT_TOTALS; i++) {
        writer_u128(&writer, head->totals[i].minor);
    }
    CHECK(!writer.failed && writer.used == PAGE_HEAD_BYTES);
}

struct page_entry page_entry_at(const struct page *page, unsigned at)
{
    CHECK(at < page->head.count);
    struct page_entry entry;
    memcpy(&entry, page->entries + (size_t)at * PAGE_ENTRY_BYTES, PAGE_ENTRY_BYTES);
    return entry;
}

static enum status check_entries(const struct page *page)
{
    for (unsigned i = 0; i < page->head.count; i++) {
        struct page_entry entry = page_entry_at(page, i);
        if (entry.total >= ACCOUNT_TOTALS || (entry.flags & ~PAGE_ENTRY_EVENT) != 0 ||
            entry.reserved != 0) {
            return STATUS_MALFORMED;
        }
    }
    return STATUS_OK;
}

enum status page_parse(struct span bytes, struct page *ret_page)
{
    struct reader reader = reader_over(bytes.data, bytes.length);
    struct page page;
    page.head.account = reader_u32(&reader);
    page.head.count = reader_u16(&reader);
    page.head.part = reader_u16(&reader);
    page.head.height = reader_u64(&reader);
    page.head.previous_height = reader_u64(&reader);
    page.head.limit = reader_u64(&reader);
    page.head.flags = reader_u32(&reader);
    uint32_t reserved = reader_u32(&reader);
    for (unsigned i = 0; i < ACCOUNT_TOTALS; i++) {
        page.head.totals[i].minor = reader_u128(&reader);
    }
    page.entries = reader_take(&reader, (size_t)page.head.count * PAGE_ENTRY_BYTES);
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (reserved != 0 || page.head.count > LIMIT_PAGE_ENTRIES) {
        return STATUS_MALFORMED;
    }
    status = check_entries(&page);
    if (status == STATUS_OK) {
        *ret_page = page;
    }
    return status;
}

struct hash page_chain(const struct hash *head, const void *page, size_t length)
{
    struct hasher hasher;
    hasher_init(&hasher, &PURPOSE_PAGE);
    hasher_add(&hasher, head, HASH_BYTES);
    hasher_add(&hasher, page, length);
    return hasher_end(&hasher);
}
