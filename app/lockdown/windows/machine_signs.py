"""What virtual machines and virtual cameras are known by on Windows. Data: names of products, each as its maker writes it."""

from __future__ import annotations

FIRMWARE_TEXTS = {
    "virtualbox": "VirtualBox",
    "innotek gmbh": "VirtualBox",
    "vmware": "VMware",
    "qemu": "QEMU",
    "bochs": "Bochs or QEMU",
    "seabios": "QEMU",
    "kvm": "KVM",
    "xen": "Xen",
    "parallels": "Parallels",
    "bhyve": "bhyve",
    "ovirt": "oVirt",
    "nutanix": "Nutanix",
    "google compute engine": "Google Compute Engine",
    "amazon ec2": "Amazon EC2",
    "openstack": "OpenStack",
}
"""Parts of the firmware's vendor and product names, in small letters, and whose they are."""

HYPER_V_PRODUCT = ("microsoft corporation", "virtual machine")
"""Hyper-V's guests: manufacturer and product. A real Surface has the same manufacturer and another product."""

DEVICE_IDS = {
    "PCI\\VEN_80EE": "VirtualBox",
    "PCI\\VEN_15AD": "VMware",
    "PCI\\VEN_1AF4": "QEMU or KVM (virtio)",
    "PCI\\VEN_1B36": "QEMU",
    "PCI\\VEN_1234&DEV_1111": "QEMU",
    "PCI\\VEN_1AB8": "Parallels",
    "PCI\\VEN_5853": "Xen",
    "VMBUS\\": "Hyper-V",
}
"""Beginnings of hardware numbers. A host that only runs virtual machines has none of them."""

SERVICES = {
    "VBoxService": "VirtualBox",
    "VBoxGuest": "VirtualBox",
    "VMTools": "VMware",
    "vmicheartbeat": "Hyper-V",
    "QEMU-GA": "QEMU",
    "xenagent": "Xen",
    "prl_tools": "Parallels",
}
"""Services that run in a guest. Hyper-V's are installed with every Windows, and run in guests only."""

MAC_PREFIXES = {
    "08-00-27": "VirtualBox",
    "00-05-69": "VMware",
    "00-0C-29": "VMware",
    "00-1C-14": "VMware",
    "00-50-56": "VMware",
    "00-15-5D": "Hyper-V",
    "00-16-3E": "Xen",
    "00-1C-42": "Parallels",
    "52-54-00": "QEMU or KVM",
}
"""Makers in network addresses. A host has adapters with them too, beside its own."""

VIRTUAL_CAMERAS = (
    "obs virtual camera",
    "obs-camera",
    "obs camera",
    "manycam",
    "snap camera",
    "xsplit vcam",
    "splitcam",
    "droidcam",
    "iriun webcam",
    "e2esoft vcam",
    "altercam",
    "youcam",
    "mmhmm camera",
    "unity video capture",
    "vtubestudiocam",
    "epoccam",
    "webcammax",
    "fakewebcam",
    "softcam",
    "spout camera",
)
"""Parts of the names under which such programs offer a camera, in small letters."""
