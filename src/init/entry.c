/*
 * Where the program begins, before the C library: its start-up can take a millisecond (glibc asks
 * the processor for its features, which is slow in a virtual machine), and until signals are
 * blocked one to PID 1 is lost. rt_sigprocmask(2), then on.
 */
#if defined __x86_64__
__asm__(".text\n.globl entry\nentry:\n"
        "  mov $14, %eax\n  mov $2, %edi\n  lea all_signals(%rip), %rsi\n  xor %edx, %edx\n  mov $8, %r10d\n  syscall\n"
        "  xor %edx, %edx\n  jmp _start\n"
        ".section .rodata\n.balign 8\nall_signals: .quad -1\n.text\n");
#elif defined __aarch64__
__asm__(".text\n.globl entry\nentry:\n"
        "  mov x8, #135\n  mov x0, #2\n  adrp x1, all_signals\n  add x1, x1, :lo12:all_signals\n  mov x2, #0\n  mov x3, #8\n"
        "  svc #0\n  mov x0, #0\n  b _start\n"
        ".section .rodata\n.balign 8\nall_signals: .quad -1\n.text\n");
#else
__asm__(".text\n.globl entry\n.set entry, _start\n");
#endif
