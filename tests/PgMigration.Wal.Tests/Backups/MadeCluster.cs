using System.Text;

namespace PgMigration.Wal;

/// <summary>A folder that looks like a data directory to a backup.</summary>
internal static class MadeCluster
{
    public static string Make(string folder)
    {
        string data = Path.Combine(folder, "data");
        foreach (var (name, length) in new (string, int)[]
        {
            ("PG_VERSION", 3), ("postgresql.conf", 1000), ("postmaster.pid", 50), ("postmaster.opts", 50), ("standby.signal", 0), ("server.log", 500),
            ("backup_label.old", 10), ("pgmigration/restore.json", 10), ("global/pg_control", 8192), ("global/1262", 8192), ("global/pg_internal.init", 100),
            ("pg_wal/000000010000000000000001", 1000), ("pg_wal/archive_status/x.done", 0), ("pg_replslot/s/state", 10), ("log/today.log", 10), ("pg_xact/0000", 8192),
            ("base/5/PG_VERSION", 3), ("base/5/1259", 500_000), ("base/5/1259_fsm", 24_576), ("base/5/1259.1", 300_000),
            ("base/5/16400", 90_000), ("base/5/16400_fsm", 24_576), ("base/5/16400.1", 8192), ("base/5/16400_init", 0), ("base/5/164001", 8192),
            ("base/5/t3_16500", 8192), ("base/5/t3_16500_fsm", 8192), ("base/5/pg_internal.init.123", 10), ("base/pgsql_tmp/pgsql_tmp1.0", 8192),
            ("base/5/empty", 0), ($"extra/{new string('ä', 80)}/{new string('x', 120)}", 700),
        })
        {
            string path = Path.Combine(data, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, name == "PG_VERSION" ? Encoding.ASCII.GetBytes("15\n") : Some.Bytes(length, seed: name.Length));
        }

        Directory.CreateDirectory(Path.Combine(data, "pg_tblspc"));
        Directory.CreateDirectory(Path.Combine(data, "pg_notify"));
        Directory.CreateDirectory(Path.Combine(data, "base", "6"));
        return data;
    }

    /// <summary>A tablespace outside the data directory, with one file.</summary>
    public static string AddTablespace(string folder, string data)
    {
        string place = Path.Combine(folder, "fast");
        Directory.CreateDirectory(Path.Combine(place, "PG_15_202209061", "5"));
        File.WriteAllBytes(Path.Combine(place, "PG_15_202209061", "5", "16700"), Some.Bytes(8192));
        Directory.CreateSymbolicLink(Path.Combine(data, "pg_tblspc", "16666"), place);
        return place;
    }
}
