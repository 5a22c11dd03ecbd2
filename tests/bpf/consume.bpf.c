// SPDX-License-Identifier: GPL-2.0-only
/* Programs where consume_dispatch_q() is entered and left, which do nothing. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

SEC("fentry/consume_dispatch_q")
int BPF_PROG(consume_entered)
{
	return 0;
}

SEC("fexit/consume_dispatch_q")
int BPF_PROG(consume_left)
{
	return 0;
}
