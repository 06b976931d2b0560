// The interface of the driver without its functions: versions, parameters, /proc/driver/onload, /dev/onload.
//
// A process that has the device open holds the module. Writing "stack" gives the opener a stack until it
// closes; writing "server" makes it the control plane.
#include <linux/kmod.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

int sfc_char_here(void);

static int epoll_max_stacks = 16;
module_param(epoll_max_stacks, int, 0644);

struct opener {
	struct list_head list;
	pid_t pid;
	int stack;
	bool is_server;
};

static LIST_HEAD(users);
static DEFINE_MUTEX(lock);
static int last_stack;

static int open_device(struct inode *inode, struct file *file)
{
	struct opener *opener = kzalloc(sizeof(*opener), GFP_KERNEL);

	if (!opener)
		return -ENOMEM;
	opener->pid = task_tgid_nr(current);
	mutex_lock(&lock);
	list_add_tail(&opener->list, &users);
	mutex_unlock(&lock);
	file->private_data = opener;
	return 0;
}

static int close_device(struct inode *inode, struct file *file)
{
	struct opener *opener = file->private_data;

	mutex_lock(&lock);
	list_del(&opener->list);
	mutex_unlock(&lock);
	kfree(opener);
	return 0;
}

static ssize_t write_device(struct file *file, const char __user *text, size_t size, loff_t *at)
{
	struct opener *opener = file->private_data;
	char word[8] = "";

	if (copy_from_user(word, text, min(size, sizeof(word) - 1)))
		return -EFAULT;
	mutex_lock(&lock);
	if (!strncmp(word, "stack", 5))
		opener->stack = ++last_stack;
	else
		opener->is_server = true;
	mutex_unlock(&lock);
	return size;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = open_device,
	.release = close_device,
	.write = write_device,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR, .name = "onload", .fops = &operations, .mode = 0666,
};

static int show_version(struct seq_file *out, void *unused)
{
	seq_puts(out, "onload_product: OpenOnload\nonload_version: @VERSION@ \n"
		      "uk_intf_ver: @INTERFACE@\n");
	return 0;
}

static int show_stacks(struct seq_file *out, void *unused)
{
	struct opener *opener;

	mutex_lock(&lock);
	list_for_each_entry(opener, &users, list)
		if (opener->stack)
			seq_printf(out, "%d: %d 0 68 4 2\n", opener->stack, opener->pid);
	mutex_unlock(&lock);
	return 0;
}

static int show_none(struct seq_file *out, void *unused) { return 0; }

static int show_servers(struct seq_file *out, void *unused)
{
	struct opener *opener;

	mutex_lock(&lock);
	list_for_each_entry(opener, &users, list)
		if (opener->is_server)
			seq_printf(out, "%d\n", opener->pid);
	mutex_unlock(&lock);
	return 0;
}

static int __init start(void)
{
	static char *words[] = { "/sbin/onload_cp_server", NULL };
	static char *environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct proc_dir_entry *folder = proc_mkdir("driver/onload", NULL);
	int status;

	if (!folder || !sfc_char_here())
		return -ENOMEM;
	proc_create_single("version", 0444, folder, show_version);
	proc_create_single("stacks", 0444, folder, show_stacks);
	proc_create_single("stacks_ul", 0444, folder, show_stacks);
	proc_create_single("stacks_k", 0444, folder, show_none);
	proc_create_single("cp_server_pids", 0444, folder, show_servers);
	status = misc_register(&device);
	if (status) {
		remove_proc_subtree("driver/onload", NULL);
		return status;
	}
	call_usermodehelper(words[0], words, environment, UMH_WAIT_EXEC);
	return 0;
}

static void __exit stop(void)
{
	misc_deregister(&device);
	remove_proc_subtree("driver/onload", NULL);
}

module_init(start);
module_exit(stop);
MODULE_VERSION("@VERSION@ ");
MODULE_LICENSE("GPL");
