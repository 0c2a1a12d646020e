"""Rows A4 and A5: volumes that leave the namespace."""

from __future__ import annotations

from tests.e2e.cluster import Obj
from tests.escapes.build import pod, volume
from tests.escapes.case import Case, refused

EMPTY = volume({"emptyDir": {}})

VOLUMES: dict[str, Obj] = {
    "A4-gitrepo": {"gitRepo": {"repository": "https://example.com/x.git"}},
    "A5-nfs": {"nfs": {"server": "10.0.0.1", "path": "/"}},
    "A5-iscsi": {
        "iscsi": {"targetPortal": "10.0.0.1:3260", "iqn": "iqn.2001-04.com.example:a", "lun": 0}
    },
    "A5-rbd": {"rbd": {"monitors": ["10.0.0.1:6789"], "image": "i"}},
    "A5-cephfs": {"cephfs": {"monitors": ["10.0.0.1:6789"]}},
    "A5-glusterfs": {"glusterfs": {"endpoints": "e", "path": "p"}},
    "A5-flexvolume": {"flexVolume": {"driver": "example.com/d"}},
    "A5-azurefile": {"azureFile": {"secretName": "@rel-token", "shareName": "s"}},
    "A5-azuredisk": {"azureDisk": {"diskName": "d", "diskURI": "https://example.com/d.vhd"}},
    "A5-csi": {"csi": {"driver": "secrets-store.csi.k8s.io"}},
    "A5-csi-secret": {
        "csi": {"driver": "d.example.com", "nodePublishSecretRef": {"name": "@rel-token"}}
    },
    "A5-image": {"image": {"reference": "registry.example.com/private:1"}},
    "A5-aws": {"awsElasticBlockStore": {"volumeID": "vol-1"}},
    "A5-gce": {"gcePersistentDisk": {"pdName": "d"}},
    "A5-cinder": {"cinder": {"volumeID": "v"}},
    "A5-fc": {"fc": {"targetWWNs": ["50060e801049cfd1"], "lun": 0}},
    "A5-portworx": {"portworxVolume": {"volumeID": "v"}},
    "A5-quobyte": {"quobyte": {"registry": "10.0.0.1:7861", "volume": "v"}},
    "A5-scaleio": {
        "scaleIO": {
            "gateway": "https://g",
            "system": "s",
            "secretRef": {"name": "x"},
            "volumeName": "v",
        }
    },
    "A5-storageos": {"storageos": {"volumeName": "v"}},
    "A5-vsphere": {"vsphereVolume": {"volumePath": "[ds] v"}},
    "A5-flocker": {"flocker": {"datasetName": "d"}},
    "A5-photon": {"photonPersistentDisk": {"pdID": "p"}},
}


CASES: list[Case] = [
    *(
        refused(name, "such a volume", pod(volume(bad)), pod(EMPTY))
        for name, bad in VOLUMES.items()
    ),
]
