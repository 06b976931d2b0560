// A driver without a card: a module with that name and version, and one port without traffic.
#include <linux/ethtool.h>
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>

static char *performance_profile = "auto";
module_param(performance_profile, charp, 0444);

static struct platform_device *card;
static struct net_device *port;

static void describe(struct net_device *device, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "sfc", sizeof(info->driver));
	strscpy(info->version, "@SFC_VERSION@", sizeof(info->version));
	strscpy(info->fw_version, "8.1.2.1000 rx1 tx1", sizeof(info->fw_version));
}

static const struct ethtool_ops operations = { .get_drvinfo = describe };

static netdev_tx_t drop(struct sk_buff *packet, struct net_device *device)
{
	dev_kfree_skb(packet);
	return NETDEV_TX_OK;
}

static const struct net_device_ops port_operations = { .ndo_start_xmit = drop };

static int probe(struct platform_device *device)
{
	port = alloc_etherdev(0);
	if (!port)
		return -ENOMEM;
	strscpy(port->name, "sfc0", sizeof(port->name));
	port->netdev_ops = &port_operations;
	port->ethtool_ops = &operations;
	eth_hw_addr_random(port);
	SET_NETDEV_DEV(port, &device->dev);
	return register_netdev(port);
}

static int unplug(struct platform_device *device)
{
	unregister_netdev(port);
	free_netdev(port);
	return 0;
}

static struct platform_driver driver = {
	.probe = probe,
	.remove = unplug,
	.driver = { .name = "sfc" },
};

static int __init start(void)
{
	int status = platform_driver_register(&driver);

	if (status)
		return status;
	card = platform_device_register_simple("sfc", -1, NULL, 0);
	if (IS_ERR(card)) {
		platform_driver_unregister(&driver);
		return PTR_ERR(card);
	}
	return 0;
}

static void __exit stop(void)
{
	platform_device_unregister(card);
	platform_driver_unregister(&driver);
}

module_init(start);
module_exit(stop);
MODULE_VERSION("@SFC_VERSION@");
MODULE_LICENSE("GPL");
