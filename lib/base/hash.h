/* SPDX-License-Identifier: ISC */
/*
 * hash - keyed hashes for tables, checksums for disk, and random bytes.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* SipHash-2-4 of `s` under a 128-bit key. */
uint64_t hash_sip(const uint64_t key[2], struct str s);

/* A fresh key from the kernel. */
void hash_seed(uint64_t key[2]);

/* CRC-32C (Castagnoli) of `n` bytes, going on from `crc`; start with 0. */
uint32_t hash_crc32c(uint32_t crc, const void *p, size_t n);

/* `n` random bytes from the kernel; fatal where there are none. */
void random_bytes(void *p, size_t n);

/* A random number from 0 to below - 1, fair; `below` is at least 1. */
uint32_t random_below(uint32_t below);

#endif
