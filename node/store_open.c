/*
 * store_open: opening an environment and refusing one that cannot be right (node/store.h;
 * docs/operations.md, Storage).
 *
 *     writer   HOME/chain/writer.lock held: one hefud a home, refused before LMDB is touched
 *     reader   beside a running node it needs lock.mdb to be writable, so that the node sees its
 *              snapshot and does not reuse its pages. Where there is no lock.mdb and none can be
 *              made (a copy that the user may only read, a read-only file system), no node can
 *              be writing either, and the store is read without locks.
 *
 * HOME/chain/creating stands there from before the first byte of a new store until its tables are
 * committed. A store beside it was never complete, so it holds nothing and is made anew: LMDB does
 * not open one whose first two pages were cut short. Without it a store cut short is damage.
 *
 * LMDB must be opened only once in a process: its fcntl locks are lost when a second one is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"
#include "node/file.h"
#include "node/store_internal.h"

#define MAP_BYTES_USUAL (256ull << 30)
#define MAP_BYTES_STEP (1ull << 20)
#define READERS_MAX 254
/* A head: the first page and the second begin with one. */
#define HEAD_BYTES 152
#define HEAD_AT_PAGE_SIZE 40
#define PAGE_BYTES_LEAST 256u
#define PAGE_BYTES_MOST 32768u
#define FOLDER_MODE 0750
#define FILE_MODE 0640
#define SCHEMA 3u
static const char schema_name[] = "schema";

struct error {
    char *text;
    size_t capacity;
};

/* ---- Checks of an open environment, under store_guard ---- */

/* How many of the pages from first to last stand in the list of free pages: LMDB never writes a
   page that was used and freed within one transaction, so a good file may end before them. */
static uint64_t free_pages_from(struct store *store, uint64_t first)
{
    MDB_txn *transaction = store_reading(store);
    MDB_cursor *cursor;
    int code = mdb_cursor_open(transaction, 0, &cursor);
    if (code != MDB_SUCCESS) {
        store_fail(store, code, "reading the free pages", 0);
    }
    uint64_t count = 0;
    MDB_val key;
    MDB_val value;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
        /* A count, then as many page numbers. */
        const uint8_t *words = value.mv_data;
        uint64_t length = value.mv_size / sizeof(uint64_t);
        for (uint64_t i = 1; i < length && i <= get_le64(words); i++) {
            count += get_le64(words + i * sizeof(uint64_t)) >= first;
        }
    }
    if (code != MDB_NOTFOUND) {
        store_fail(store, code, "reading the free pages", 0);
    }
    mdb_cursor_close(cursor);
    return count;
}

static void check_length(struct store *store)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    int fd;
    /* In this order: a running node may make the file longer meanwhile, never shorter. */
    CHECK(mdb_env_info(store->env, &info) == MDB_SUCCESS);
    CHECK(mdb_env_stat(store->env, &stat) == MDB_SUCCESS);
    CHECK(mdb_env_get_fd(store->env, &fd) == MDB_SUCCESS);
    if (fstat(fd, &file) != 0) {
        store_fail(store, errno, "reading data.mdb", 0);
    }
    uint64_t pages = (uint64_t)info.me_last_pgno + 1;
    uint64_t stored = (uint64_t)file.st_size / stat.ms_psize;
    if (stored < pages && free_pages_from(store, stored) < pages - stored) {
        store_fail(store, MDB_CORRUPTED, "data.mdb is shorter than its pages (truncated)", 0);
    }
    store_refresh(store);
}

/* All in one transaction, the first: LMDB 0.9.24 may crash on a table opened later. */
static void open_tables(struct store *store)
{
    MDB_txn *transaction = store->read_only ? store_reading(store) : store_writing(store);
    for (unsigned table = STORE_TABLE_FIRST; table < STORE_TABLE_COUNT; table++) {
        int code = mdb_dbi_open(transaction, store_table_name(table),
                                store->read_only ? 0 : MDB_CREATE, &store->tables[table]);
        store->present[table] = code == MDB_SUCCESS;
        if (code != MDB_SUCCESS && !(store->read_only && code == MDB_NOTFOUND)) {
            store_fail(store, code, "opening", table);
        }
    }
    /* A commit, for a reader too: it makes the handles outlive the transaction. */
    store->read = store->read_only ? NULL : store->read;
    store->write = NULL;
    store->reading = false;
    int code = mdb_txn_commit(transaction);
    if (code != MDB_SUCCESS) {
        store_fail(store, code, "opening the tables", 0);
    }
}

static enum status check_schema(struct store *store)
{
    struct span value;
    if (store_get(store, STORE_META, schema_name, sizeof schema_name - 1, &value)) {
        uint32_t found = value.length == sizeof(uint32_t) ? get_le32(value.data) : 0;
        store_refresh(store);
        if (found == SCHEMA) {
            return STATUS_OK;
        }
        (void)snprintf(store->message, sizeof store->message,
                       "%.512s: the store has schema %u, this program knows %u; use the program "
                       "that wrote it",
                       store->folder, found, SCHEMA);
        store->failed = STATUS_VERSION;
        return STATUS_VERSION;
    }
    store_refresh(store);
    if (!store->read_only) {
        uint8_t schema[sizeof(uint32_t)];
        put_le32(schema, SCHEMA);
        store_put(store, STORE_META, schema_name, sizeof schema_name - 1, schema, sizeof schema);
        store_commit(store);
    }
    return STATUS_OK;
}

static enum status check_open(struct store *store)
{
    check_length(store);
    open_tables(store);
    return check_schema(store);
}

/* ---- Opening ---- */

static void on_assert(MDB_env *env, const char *message)
{
    struct store *store = mdb_env_get_userctx(env);
    (void)fprintf(stderr, "hefu: LMDB: %s\n", message);
    /* The transaction is in an unknown state: leave it. */
    store->write = NULL;
    store->read = NULL;
    store->reading = false;
    memset(store->cursors, 0, sizeof store->cursors);
    store_fail(store, MDB_CORRUPTED, "LMDB found a contradiction", 0);
}

static enum status lock_writer(struct store *store, struct error error)
{
    char path[STORE_PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/writer.lock", store->folder);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (store->lock_fd < 0) {
        int code = errno;
        return error_set(status_from_errno(code), error.text, error.capacity,
                         "%s: cannot be opened: %s", path, strerror(code));
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return error_set(STATUS_LOCKED, error.text, error.capacity,
                         "%s: another hefud runs on this home; stop it first", store->folder);
    }
    return STATUS_OK;
}

static enum status begin_creation(struct store *store, struct error error)
{
    char creating[STORE_PATH_MAX + 16];
    char data[STORE_PATH_MAX + 16];
    char lock[STORE_PATH_MAX + 16];
    (void)snprintf(creating, sizeof creating, "%s/creating", store->folder);
    (void)snprintf(data, sizeof data, "%s/data.mdb", store->folder);
    (void)snprintf(lock, sizeof lock, "%s/lock.mdb", store->folder);
    if (access(creating, F_OK) == 0) {
        if ((unlink(data) != 0 && errno != ENOENT) || (unlink(lock) != 0 && errno != ENOENT)) {
            int code = errno;
            return error_set(status_from_errno(code), error.text, error.capacity,
                             "%s: what an unfinished first start left cannot be removed: %s",
                             store->folder, strerror(code));
        }
    } else if (access(data, F_OK) == 0) {
        return STATUS_OK;
    }
    char why[2 * STORE_PATH_MAX];
    store->creating = true;
    enum status status = file_write(creating, FILE_MODE, true, "", 0, why, sizeof why);
    return status == STATUS_OK ? STATUS_OK
                               : error_set(status, error.text, error.capacity, "%s; %s", why,
                                           store_advice(status, 0));
}

static enum status end_creation(const struct store *store, struct error error)
{
    char creating[STORE_PATH_MAX + 16];
    (void)snprintf(creating, sizeof creating, "%s/creating", store->folder);
    if (store->creating && unlink(creating) != 0) {
        int code = errno;
        return error_set(status_from_errno(code), error.text, error.capacity,
                         "%s: cannot be removed: %s", creating, strerror(code));
    }
    return STATUS_OK;
}

static enum status prepare_folder(struct store *store, struct error error)
{
    char data[STORE_PATH_MAX + 16];
    char creating[STORE_PATH_MAX + 16];
    (void)snprintf(data, sizeof data, "%s/data.mdb", store->folder);
    (void)snprintf(creating, sizeof creating, "%s/creating", store->folder);
    if (store->read_only && access(creating, F_OK) == 0) {
        return error_set(STATUS_NOT_FOUND, error.text, error.capacity,
                         "%s: there is no ledger here yet: the node's first start is not complete",
                         store->folder);
    }
    if (store->read_only) {
        struct stat found;
        bool there = stat(data, &found) == 0;
        if (!there || found.st_size == 0) {
            return error_set(
                STATUS_NOT_FOUND, error.text, error.capacity,
                "%s: there is no ledger here (%s); give a node's home, or a copy of it", data,
                there ? "the file is empty" : strerror(errno));
        }
        return STATUS_OK;
    }
    if (mkdir(store->folder, FOLDER_MODE) != 0 && errno != EEXIST) {
        int code = errno;
        return error_set(status_from_errno(code), error.text, error.capacity,
                         "%s: cannot be created: %s", store->folder, strerror(code));
    }
    enum status status = lock_writer(store, error);
    return status == STATUS_OK ? begin_creation(store, error) : status;
}

/* Whether no lock file exists and none can be made: see the first comment. */
static bool must_read_without_locks(const struct store *store)
{
    char path[STORE_PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/lock.mdb", store->folder);
    return store->read_only && access(path, F_OK) != 0 && access(store->folder, W_OK) != 0;
}

/* Whether a head states a page size that a page can have. LMDB divides by it as it opens. */
static bool states_page_size(const uint8_t head[HEAD_BYTES], uint32_t *ret_page_bytes)
{
    const uint32_t size = get_le32(head + HEAD_AT_PAGE_SIZE);
    *ret_page_bytes = size;
    return size >= PAGE_BYTES_LEAST && size <= PAGE_BYTES_MOST && (size & (size - 1)) == 0;
}

/* Both heads of a file that is there state one page size. What else is wrong with them LMDB sees.
 */
static enum status check_heads(const struct store *store, struct error error)
{
    char data[STORE_PATH_MAX + 16];
    uint8_t heads[2][HEAD_BYTES];
    uint32_t sizes[2];
    (void)snprintf(data, sizeof data, "%s/data.mdb", store->folder);
    const int fd = open(data, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return STATUS_OK;
    }
    bool good = true;
    if (pread(fd, heads[0], HEAD_BYTES, 0) == HEAD_BYTES) {
        good = states_page_size(heads[0], &sizes[0]);
        if (good && pread(fd, heads[1], HEAD_BYTES, (off_t)sizes[0]) == HEAD_BYTES) {
            good = states_page_size(heads[1], &sizes[1]) && sizes[0] == sizes[1];
        }
    }
    (void)close(fd);
    return good ? STATUS_OK
                : error_set(STATUS_CORRUPT, error.text, error.capacity,
                            "%s: its first pages are damaged: they state no page size; %s", data,
                            store_advice(STATUS_CORRUPT, 0));
}

static int open_environment(struct store *store, uint64_t map_bytes)
{
    unsigned flags = MDB_NORDAHEAD | MDB_NOTLS;
    flags |= store->read_only ? MDB_RDONLY : 0;
    flags |= must_read_without_locks(store) ? MDB_NOLOCK : 0;
    int code = mdb_env_create(&store->env);
    if (code != MDB_SUCCESS) {
        store->env = NULL;
        return code;
    }
    CHECK(mdb_env_set_maxdbs(store->env, STORE_TABLE_COUNT) == MDB_SUCCESS);
    CHECK(mdb_env_set_maxreaders(store->env, READERS_MAX) == MDB_SUCCESS);
    CHECK(mdb_env_set_userctx(store->env, store) == MDB_SUCCESS);
    CHECK(mdb_env_set_assert(store->env, on_assert) == MDB_SUCCESS);
    if (!store->read_only) { /* a reader takes the size that the file states */
        uint64_t bytes = map_bytes == 0 ? MAP_BYTES_USUAL : map_bytes;
        bytes = (bytes + MAP_BYTES_STEP - 1) / MAP_BYTES_STEP * MAP_BYTES_STEP;
        CHECK(mdb_env_set_mapsize(store->env, bytes) == MDB_SUCCESS);
    }
    return mdb_env_open(store->env, store->folder, flags, FILE_MODE);
}

static enum status open_and_check(struct store *store, const struct store_options *options,
                                  struct error error)
{
    enum status status = prepare_folder(store, error);
    if (status != STATUS_OK) {
        return status;
    }
    status = check_heads(store, error);
    if (status != STATUS_OK) {
        return status;
    }
    int code = open_environment(store, options->map_bytes);
    if (code != MDB_SUCCESS) {
        status = store_classify(store, code);
        return error_set(status, error.text, error.capacity, "%s: cannot be opened: %s; %s",
                         store->folder, mdb_strerror(code), store_advice(status, code));
    }
    status = store_guard(store, check_open);
    if (status != STATUS_OK) {
        return error_set(status, error.text, error.capacity, "%s", store->message);
    }
    store_reader_check(store);
    status = end_creation(store, error);
    if (status != STATUS_OK) {
        return status;
    }
    char inside[STORE_PATH_MAX + 16];
    (void)snprintf(inside, sizeof inside, "%s/data.mdb", store->folder);
    if (!store->read_only &&
        (file_sync_folder(inside) != STATUS_OK || file_sync_folder(store->folder) != STATUS_OK)) {
        return error_set(STATUS_IO, error.text, error.capacity,
                         "%s: the folder cannot be synced; %s", store->folder,
                         store_advice(STATUS_IO, 0));
    }
    return STATUS_OK;
}

enum status store_open(const char *directory, const struct store_options *options,
                       struct store **ret_store, char *ret_error, size_t capacity)
{
    struct error error = {.text = ret_error, .capacity = capacity};
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no memory", directory);
    }
    store->lock_fd = -1;
    store->read_only = options->read_only;
    int used = snprintf(store->folder, sizeof store->folder, "%s/chain", directory);
    enum status status;
    if (used < 0 || (size_t)used >= sizeof store->folder) {
        status = error_set(STATUS_OVERSIZED, ret_error, capacity, "the path is too long");
    } else {
        status = open_and_check(store, options, error);
    }
    if (status != STATUS_OK) {
        store_close(store);
        return status;
    }
    *ret_store = store;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    store_end_transactions(store);
    if (store->env != NULL) {
        mdb_env_close(store->env);
    }
    if (store->lock_fd >= 0) {
        (void)close(store->lock_fd);
    }
    free(store->scratch);
    free(store);
}

/* ---- Upkeep ---- */

uint32_t store_reader_check(struct store *store)
{
    int dead = 0;
    int code = mdb_reader_check(store->env, &dead);
    if (code != MDB_SUCCESS) {
        store_fail(store, code, "checking for dead readers", 0);
    }
    return dead > 0 ? (uint32_t)dead : 0;
}

void store_usage(struct store *store, struct store_usage *ret_usage)
{
    MDB_txn *transaction = store_reading(store);
    MDB_envinfo info;
    MDB_stat stat;
    struct statvfs disk;
    memset(ret_usage, 0, sizeof *ret_usage);
    CHECK(mdb_env_info(store->env, &info) == MDB_SUCCESS);
    CHECK(mdb_env_stat(store->env, &stat) == MDB_SUCCESS);
    ret_usage->map_bytes = info.me_mapsize;
    ret_usage->used_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    ret_usage->readers = info.me_numreaders;
    for (unsigned table = STORE_TABLE_FIRST; table < STORE_TABLE_COUNT; table++) {
        if (!store->present[table]) {
            continue;
        }
        int code = mdb_stat(transaction, store->tables[table], &stat);
        if (code != MDB_SUCCESS) {
            store_fail(store, code, "reading", table);
        }
        ret_usage->entries[table] = stat.ms_entries;
    }
    if (statvfs(store->folder, &disk) == 0) {
        ret_usage->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
        ret_usage->disk_total_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    }
    ret_usage->commits = store->commits;
    ret_usage->commit_microseconds = store->commit_microseconds;
}
