package settings

import (
	"bufio"
	"net"
	"os"
	"strings"
)

// hostAddress is the address that Kubernetes would advertise: the first global one of the interface with the
// default route, else any global one, else loopback (a test machine without a network).
func hostAddress() string {
	if name := defaultInterface(); name != "" {
		if link, err := net.InterfaceByName(name); err == nil {
			if ip := global(link); ip != "" {
				return ip
			}
		}
	}
	links, _ := net.Interfaces()
	for _, link := range links {
		if ip := global(&link); ip != "" {
			return ip
		}
	}
	return "127.0.0.1"
}

func global(link *net.Interface) string {
	addresses, _ := link.Addrs()
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.IsGlobalUnicast() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	return ""
}

// HasDefaultRoute says whether there is a way out, without which k3s does not know its own address.
func HasDefaultRoute() bool {
	if defaultInterface() != "" {
		return true
	}
	content, _ := os.ReadFile("/proc/net/ipv6_route")
	for line := range strings.Lines(string(content)) {
		// Destination, its length, …, interface: the kernel's own refusal of all others is at lo.
		if fields := strings.Fields(line); len(fields) > 9 && strings.Trim(fields[0]+fields[1], "0") == "" && fields[9] != "lo" {
			return true
		}
	}
	return false
}

func defaultInterface() string {
	file, err := os.Open("/proc/net/route")
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		// Iface Destination Gateway …: destination 0 is the default route.
		if fields := strings.Fields(lines.Text()); len(fields) > 2 && fields[1] == "00000000" {
			return fields[0]
		}
	}
	return ""
}
