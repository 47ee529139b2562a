/* verify: batches are checked off the core thread (see verify.h). */
#include "node/verify.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "node/action_keys.h"
#include "node/keys.h"
#include "node/memory.h"

#define VERIFY_THREADS_MAX 64

struct job {
    struct job *next;
    uint64_t token;
    uint8_t *bytes;
    size_t length;
    struct public_key key;
};

struct verify_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *first;
    struct job *last;
    bool stopping;
    unsigned thread_count;
    pthread_t threads[VERIFY_THREADS_MAX];
    verify_done done;
    void *context;
};

enum status verify_batch_root(const struct batch_header *header, const uint8_t *body, size_t length,
                              struct hash *ret_hashes)
{
    struct hash root;
    if (header->kind == BATCH_RECORDS) {
        CHECK(ret_hashes != NULL);
        CHECK((uintptr_t)body % _Alignof(struct record) == 0);
        root = batch_records_root((const struct record *)(const void *)body, header->count,
                                  ret_hashes);
    } else {
        root = batch_body_root(body, length);
    }
    return hash_equal(&root, &header->records_root) ? STATUS_OK : STATUS_BAD_HASH;
}

enum status verify_batch_bytes(const uint8_t *bytes, size_t length, const struct public_key *key,
                               struct hash *ret_hashes)
{
    struct batch_header header;
    struct signature signature;
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    if (length < BATCH_PREFIX_BYTES) {
        return STATUS_TRUNCATED;
    }
    memcpy(&header, bytes, sizeof header);
    memcpy(&signature, bytes + BATCH_HEADER_BYTES, sizeof signature);
    batch_signed_bytes(&header, signed_bytes);
    if (!key_verify(key, signed_bytes, sizeof signed_bytes, &signature)) {
        return STATUS_BAD_SIGNATURE;
    }
    struct span body = {bytes + BATCH_PREFIX_BYTES, length - BATCH_PREFIX_BYTES};
    enum status status = verify_batch_root(&header, body.data, body.length, ret_hashes);
    if (status == STATUS_OK && header.kind == BATCH_ACTION) {
        status = action_keys_check(body);
    }
    return status;
}

static void run(struct verify_pool *pool, struct job *job)
{
    struct verify_result result = {
        .token = job->token, .bytes = job->bytes, .length = job->length, .key = job->key};
    struct batch_header header;
    memcpy(&header, job->bytes, sizeof header);
    if (header.kind == BATCH_RECORDS) {
        result.record_hashes = malloc(sizeof *result.record_hashes * header.count);
        memory_check(result.record_hashes != NULL);
    }
    result.status = verify_batch_bytes(job->bytes, job->length, &job->key, result.record_hashes);
    if (result.status != STATUS_OK) {
        free(result.record_hashes);
        result.record_hashes = NULL;
    }
    free(job);
    pool->done(pool->context, &result);
}

static void *worker(void *argument)
{
    struct verify_pool *pool = argument;
    for (;;) {
        CHECK(pthread_mutex_lock(&pool->lock) == 0);
        while (pool->first == NULL && !pool->stopping) {
            CHECK(pthread_cond_wait(&pool->wake, &pool->lock) == 0);
        }
        struct job *job = pool->stopping ? NULL : pool->first;
        if (job != NULL) {
            pool->first = job->next;
            if (pool->first == NULL) {
                pool->last = NULL;
            }
        }
        CHECK(pthread_mutex_unlock(&pool->lock) == 0);
        if (job == NULL) {
            return NULL;
        }
        run(pool, job);
    }
}

struct verify_pool *verify_pool_new(unsigned threads, verify_done done, void *context)
{
    CHECK(threads > 0 && threads <= VERIFY_THREADS_MAX);
    struct verify_pool *pool = calloc(1, sizeof *pool);
    memory_check(pool != NULL);
    pool->done = done;
    pool->context = context;
    CHECK(pthread_mutex_init(&pool->lock, NULL) == 0);
    CHECK(pthread_cond_init(&pool->wake, NULL) == 0);
    for (unsigned i = 0; i < threads; i++) {
        CHECK(pthread_create(&pool->threads[i], NULL, worker, pool) == 0);
        pool->thread_count++;
    }
    return pool;
}

void verify_pool_add(struct verify_pool *pool, uint64_t token, uint8_t *bytes, size_t length,
                     const struct public_key *key)
{
    struct job *job = calloc(1, sizeof *job);
    memory_check(job != NULL);
    *job = (struct job){.token = token, .bytes = bytes, .length = length, .key = *key};
    CHECK(pthread_mutex_lock(&pool->lock) == 0);
    if (pool->last != NULL) {
        pool->last->next = job;
    } else {
        pool->first = job;
    }
    pool->last = job;
    CHECK(pthread_cond_signal(&pool->wake) == 0);
    CHECK(pthread_mutex_unlock(&pool->lock) == 0);
}

void verify_pool_free(struct verify_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    CHECK(pthread_mutex_lock(&pool->lock) == 0);
    pool->stopping = true;
    CHECK(pthread_cond_broadcast(&pool->wake) == 0);
    CHECK(pthread_mutex_unlock(&pool->lock) == 0);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        CHECK(pthread_join(pool->threads[i], NULL) == 0);
    }
    while (pool->first != NULL) {
        struct job *job = pool->first;
        pool->first = job->next;
        free(job->bytes);
        free(job);
    }
    CHECK(pthread_cond_destroy(&pool->wake) == 0);
    CHECK(pthread_mutex_destroy(&pool->lock) == 0);
    free(pool);
}
