"""The signals that speak for a virtual machine, remote control or a virtual camera: what each weighs and means. Pure data.

Weights are set by what honest machines show. Signals below ``core.machine.POSSIBLE_FROM`` are found on many ordinary computers
(TeamViewer's idle service, a phone as camera); those above are not. One group is one cause: the firmware's names all say
the same. ``docs/lockdown.md`` explains the weights.
"""

from __future__ import annotations

from app.core.machine import KnownSignal, Suspicion

_VM = Suspicion.VIRTUAL_MACHINE
_REMOTE = Suspicion.REMOTE_CONTROL
_CAMERA = Suspicion.VIRTUAL_CAMERA

_LEAVE_VM = "Start the exam on the computer itself, outside of the virtual machine."
_TELL_VM = "An ordinary computer can show this too; alone it counts for little."
_CLOSE_TOOLS = "If this is a computer of its own, remove the guest tools that were left on it, then check again."
_END_SESSION = "Sit down at the exam's computer itself and log in there."
_END_REMOTE = (
    "End remote control and screen sharing, and close the program, also its icon beside the clock; then check again."
)
_IDLE_REMOTE = "Nobody needs to be connected for this. Close the program for the exam if you can; it counts for little."
_UNPLUG_CAMERA = (
    "Close or uninstall the program that offers this camera, and choose the computer's own camera; then check again."
)

VM_BIOS_VENDOR = "vm_bios_vendor"
VM_PRODUCT = "vm_product"
VM_BOARD = "vm_board"
VM_DEVICE = "vm_device"
VM_DISK = "vm_disk"
VM_SERVICE = "vm_service"
VM_MAC = "vm_mac"
HYPERVISOR_BIT = "hypervisor_bit"
CONTAINER = "container"
WINE = "wine"
REMOTE_SESSION = "remote_session"
SSH_SESSION = "ssh_session"
VNC_SERVER_RUNNING = "vnc_server_running"
VIEWER_CONNECTED = "vnc_connected"
REMOTE_CONTROL_PROGRAM = "remote_control_program"
REMOTE_CONTROL_CONNECTED = "remote_control_connected"
REMOTE_CONTROL_SESSION = "remote_control_session"
VIRTUAL_CAMERA_NAME = "virtual_camera_name"
VIRTUAL_CAMERA_DRIVER = "virtual_camera_driver"
VIRTUAL_CAMERA_PROGRAM = "virtual_camera_program"
PHONE_CAMERA = "phone_camera"

KNOWN: tuple[KnownSignal, ...] = (
    KnownSignal(
        VM_BIOS_VENDOR, _VM, "firmware", 0.75, "The firmware was made by the maker of virtual machines", _LEAVE_VM
    ),
    KnownSignal(VM_PRODUCT, _VM, "firmware", 0.75, "The computer's model is the name of a virtual machine", _LEAVE_VM),
    KnownSignal(VM_BOARD, _VM, "firmware", 0.6, "The main board was made by the maker of virtual machines", _LEAVE_VM),
    KnownSignal(VM_DEVICE, _VM, "devices", 0.7, "The hardware has parts that virtual machines only have", _LEAVE_VM),
    KnownSignal(VM_DISK, _VM, "devices", 0.6, "The disk is one of a virtual machine", _LEAVE_VM),
    KnownSignal(VM_SERVICE, _VM, "guest tools", 0.6, "Programs run that belong into virtual machines", _CLOSE_TOOLS),
    KnownSignal(
        VM_MAC, _VM, "network", 0.5, "Every network adapter has the address of a virtual machine's maker", _TELL_VM
    ),
    KnownSignal(
        WINE, _VM, "wine", 0.6, "The exam runs in Wine, which is not Windows", "Start the exam's version for Linux."
    ),
    KnownSignal(
        CONTAINER,
        _VM,
        "container",
        0.3,
        "The exam runs in a container",
        "Start the exam in the desktop session itself, outside of the container.",
    ),
    KnownSignal(HYPERVISOR_BIT, _VM, "processor", 0.2, "The processor says that a hypervisor runs below", _TELL_VM),
    KnownSignal(
        REMOTE_SESSION, _REMOTE, "session", 0.8, "This is a desktop session that is seen from elsewhere", _END_SESSION
    ),
    KnownSignal(
        VIEWER_CONNECTED,
        _REMOTE,
        "connection",
        0.8,
        "Another computer is connected to the program that shares this desktop",
        _END_REMOTE,
    ),
    KnownSignal(
        REMOTE_CONTROL_SESSION,
        _REMOTE,
        "session program",
        0.78,
        "A program runs that is there only while somebody else is connected",
        _END_REMOTE,
    ),
    KnownSignal(VNC_SERVER_RUNNING, _REMOTE, "program", 0.5, "A program shares this desktop", _END_REMOTE),
    KnownSignal(
        REMOTE_CONTROL_CONNECTED,
        _REMOTE,
        "program",
        0.35,
        "A remote control program has a connection, as an idle one has to its maker too",
        _IDLE_REMOTE,
    ),
    KnownSignal(REMOTE_CONTROL_PROGRAM, _REMOTE, "program", 0.2, "A remote control program is running", _IDLE_REMOTE),
    KnownSignal(
        SSH_SESSION,
        _REMOTE,
        "shell",
        0.15,
        "The exam was started from a login by network",
        "Start the exam from the computer's own desktop.",
    ),
    KnownSignal(
        VIRTUAL_CAMERA_NAME,
        _CAMERA,
        "camera",
        0.6,
        "There is a camera with the name of a camera program",
        _UNPLUG_CAMERA,
    ),
    KnownSignal(
        VIRTUAL_CAMERA_DRIVER, _CAMERA, "camera", 0.6, "There is a camera that no device stands behind", _UNPLUG_CAMERA
    ),
    KnownSignal(
        VIRTUAL_CAMERA_PROGRAM,
        _CAMERA,
        "camera program",
        0.65,
        "A program runs that can change the camera's picture",
        "Close the program, then check again.",
    ),
    KnownSignal(
        PHONE_CAMERA,
        _CAMERA,
        "phone",
        0.2,
        "There is a camera that is a phone",
        "If the phone is your only camera, tell the people who invited you.",
    ),
)

BY_PROGRAM = frozenset(
    {VM_SERVICE, VNC_SERVER_RUNNING, REMOTE_CONTROL_PROGRAM, REMOTE_CONTROL_SESSION, VIRTUAL_CAMERA_PROGRAM}
)
"""What a running program alone can give; an entry of a list of programs names one of these."""
