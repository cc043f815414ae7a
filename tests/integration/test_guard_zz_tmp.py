import pytest
from tests.integration.test_guard import *
async def test_show(lab):
    import time
    g=Guard()
    out=[]
    for h in HOSTILE:
        t=time.perf_counter(); a=await verdict_of(lab,g,h.sql); d=(time.perf_counter()-t)*1e3
        out.append(f"{d:7.1f}ms {h.category[:14]:14} {h.sql[:70]!r}: {a[:230]}")
    for h in HARMLESS:
        t=time.perf_counter(); a=await verdict_of(lab,g,h.sql,h.parameter_types); d=(time.perf_counter()-t)*1e3
        out.append(f"{d:7.1f}ms OK {h.category[:14]:14} {h.sql[:70]!r}: {a[:230]}")
    __import__('pathlib').Path('/tmp/guarddev/show.txt').write_text("\n".join(out))
    g2=Guard()
    async with lab.probe_transaction() as tx:
        await g2.inspect(tx.connection,"select 1")
        N=200
        for s in ["select 1","select id, title from lab.docs where id = 3 order by title","select * from lab.v_open", "select * from lab.docs"]:
            t=time.perf_counter()
            for i in range(N): await g2.inspect(tx.connection, s+f" -- {i}")
            d=(time.perf_counter()-t)/N*1e3
            t=time.perf_counter()
            for i in range(N): await g2.inspect(tx.connection, s+f" -- 1")
            print(s, "uncached %.2f ms cached %.1f us"%(d,(time.perf_counter()-t)/N*1e6))
    t=time.perf_counter()
    for i in range(100):
        async with lab.probe_transaction() as tx:
            await g2.inspect(tx.connection, f"select 1, {i}")
    print("with tx %.2f ms"%((time.perf_counter()-t)*10))
