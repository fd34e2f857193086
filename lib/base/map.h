/* SPDX-License-Identifier: ISC */
/*
 * map - find a pointer by a text.
 *
 * A hash table keyed with a secret of this process, so nobody outside can choose colliding keys.
 * Keys are copied, values are the caller's.  Order of iteration is not defined.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct map;

/* A new, empty map; give it to map_free. */
struct map *map_new(void);

/* The value of `key`, or NULL. */
void *map_get(const struct map *m, struct str key);

/* Set the value of `key`, which must not be NULL; gives the old value or NULL. */
void *map_put(struct map *m, struct str key, void *value);

/* Remove `key`; gives its value or NULL. */
void *map_del(struct map *m, struct str key);

/* How many keys. */
size_t map_count(const struct map *m);

/*
 * Walk: start with `*at = 0`, true fills key and value (either may be NULL) and moves on.  The map
 * may be changed during a walk only by map_del of the key just given.
 */
bool map_next(const struct map *m, size_t *at, struct str *key, void **value);

/* End of the map; values are not touched.  NULL is fine. */
void map_free(struct map *m);

#endif
