/* SPDX-License-Identifier: ISC */
/*
 * boxname_fuzz - from the name of a mailbox to that of a folder and back: a name that passes is one
 * component below the mail folder, and no two mailboxes have one folder.  And the flags and the size in a
 * message's file name.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/panic.h"
#include "store/maildir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_name(struct str name)
{
	struct buf disk = { 0 }, again = { 0 };
	struct str on;

	if (folder_disk_name(&disk, name)) {
		on = buf_str(&disk);
		ASSERT(store_name_ok(name) && on.n > 0 && on.n < 256 && on.p[0] == '.');
		ASSERT(str_chr(on, '/') < 0 && str_chr(on, '\0') < 0 && str_find(on, STR("..")) < 0);
		ASSERT(on.n > 1 || name_is_inbox(name));
		if (!name_is_inbox(name)) {
			ASSERT(folder_mail_name(&again, on) && str_eq(buf_str(&again), name));
		}
	} else {
		ASSERT(!store_name_ok(name) && disk.n == 0);
	}
	buf_free(&disk);
	buf_free(&again);
}

static void
try_folder(struct str disk)
{
	struct buf name = { 0 }, again = { 0 };

	if (folder_mail_name(&name, disk)) {
		ASSERT(folder_disk_name(&again, buf_str(&name)) && str_eq(buf_str(&again), disk));
	}
	buf_free(&name);
	buf_free(&again);
}

static void
try_file(const char *file)
{
	uint32_t flags = file_flags(file);
	struct str base = file_base(file);
	struct buf again = { 0 };

	ASSERT(str_chr(base, ':') < 0 && file_size(base) <= (uint64_t)1 << 40);
	file_name(&again, base, flags);
	ASSERT(file_flags(buf_z(&again)) == flags && str_eq(file_base(buf_z(&again)), base));
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n(data, size);
	struct buf z = { 0 };

	try_name(text);
	try_folder(text);
	buf_add(&z, text);
	if (size > 0 && str_chr(text, '\0') < 0)
		try_file(buf_z(&z));
	buf_free(&z);
	return 0;
}
