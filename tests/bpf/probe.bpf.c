// SPDX-License-Identifier: GPL-2.0-only
/* Counts how often dispatch_enqueue() is entered and left. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

u64 counts[2];

SEC("fentry/dispatch_enqueue")
int BPF_PROG(enqueue_entered)
{
	__sync_fetch_and_add(&counts[0], 1);
	return 0;
}

SEC("fexit/dispatch_enqueue")
int BPF_PROG(enqueue_left)
{
	__sync_fetch_and_add(&counts[1], 1);
	return 0;
}
