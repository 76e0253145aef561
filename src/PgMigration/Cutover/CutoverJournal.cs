using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgMigration;

/// <summary>The memory of a cutover: one JSON line for each thing begun, done, learnt or undone; appended and synced.</summary>
/// <remarks>
/// One writer at a time: the file is held locked. A line that a death cut short is the last one, and says nothing; it is dropped when
/// the journal is opened again. A "done" may reach the disk together with the next "begin" (one sync instead of two within the pause):
/// what a crash loses with it is only that the step is asked once more whether it is done.
/// </remarks>
public sealed class CutoverJournal : IDisposable
{
    private static readonly JsonSerializerOptions Json = new()
    {
        Converters = { new JsonStringEnumConverter(), new LsnJsonConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly FileStream _file;
    private readonly List<CutoverEntry> _entries;
    private readonly StringBuilder _held = new();

    private readonly FileStream _lock;
    private bool _isNew;

    private CutoverJournal(FileStream @lock, FileStream file, List<CutoverEntry> entries)
    {
        _lock = @lock;
        _file = file;
        _entries = entries;
    }

    /// <summary>Where journals lie when nobody says: in the user's local application data.</summary>
    public static string DefaultFolder => System.IO.Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "PgMigration", "cutovers");

    /// <summary>Where the file lies.</summary>
    public string Path => _file.Name;

    /// <summary>All lines so far.</summary>
    public IReadOnlyList<CutoverEntry> Entries => _entries;

    /// <summary>What is known by now; null before the first line that says something.</summary>
    public CutoverFacts? Facts => _entries.LastOrDefault(entry => entry.Facts is not null)?.Facts;

    /// <summary>Begins a new journal. That of a cutover which ended before it paused the app keeps its lines under a numbered name beside it.</summary>
    /// <exception cref="MigrationException"><c>JournalExists</c>: the file is there already, and is another file or of a cutover that paused the app.</exception>
    public static CutoverJournal Create(string path)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        var @lock = Lock(path);
        try
        {
            SetAside(path);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            return new CutoverJournal(@lock, new FileStream(path, options), []) { _isNew = true };
        }
        catch (IOException error) when (File.Exists(path))
        {
            @lock.Dispose();
            throw new MigrationException("JournalExists", MigrationErrorKind.InvalidOperation,
                $"The journal {path} is there already. To go on with that cutover use Resume-Cutover or Undo-Cutover; for a new one give another -Journal.", error);
        }
    }

    /// <summary>Opens a journal to go on with it. A file that does not begin with a plan is none, and is left as it is.</summary>
    /// <exception cref="MigrationException"><c>JournalInUse</c>: another session runs this cutover; <c>JournalNotFound</c>; <c>JournalDamaged</c>.</exception>
    public static CutoverJournal Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new MigrationException("JournalNotFound", MigrationErrorKind.NotFound, $"There is no journal {path}. Get-Cutover lists those that there are.");
        }

        var @lock = Lock(path);
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            var entries = Parse(file, out long end);
            if (entries is not [{ Event: CutoverEvent.Planned, Facts: not null }, ..])
            {
                throw NoPlan(path);
            }

            file.SetLength(end); // only now: a file that is no journal keeps every byte
            file.Position = end;
            return new CutoverJournal(@lock, file, entries);
        }
        catch
        {
            file?.Dispose();
            @lock.Dispose();
            throw;
        }
    }

    /// <summary>Reads a journal that another session may be writing.</summary>
    public static IReadOnlyList<CutoverEntry> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Parse(file, out _);
    }

    /// <summary>Appends a line and returns once it is on disk.</summary>
    /// <exception cref="MigrationException"><c>JournalNotWritable</c>: the disk is full, or the file gone. The line then was never said.</exception>
    public void Write(CutoverEvent what, string? step = null, string? text = null, CutoverFacts? facts = null)
    {
        int held = _held.Length;
        Hold(what, step, text, facts);
        try
        {
            Sync();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            _held.Length = held;
            _entries.RemoveAt(_entries.Count - 1);
            throw new MigrationException("JournalNotWritable", MigrationErrorKind.ResourceUnavailable, $"The journal {Path} cannot be written: {error.Message}", error);
        }
    }

    /// <summary>Appends a line that reaches the disk together with the next <see cref="Write"/>.</summary>
    public void Hold(CutoverEvent what, string? step = null, string? text = null, CutoverFacts? facts = null)
    {
        var entry = new CutoverEntry(DateTime.UtcNow, what, step, text, facts);
        _entries.Add(entry);
        _held.Append(Format(entry)).Append('\n');
    }

    /// <summary>What is said of a file whose first line is not the plan of a cutover: emptied, or another file.</summary>
    internal static MigrationException NoPlan(string path) => new("JournalDamaged", MigrationErrorKind.InvalidData,
        $"{path} does not begin with the plan of a cutover: it was emptied, or is another file. Nothing was done on its ground, and nothing was written to it. Get-Cutover lists the journals that there are. Whether a cutover was begun, the source knows: SELECT * FROM pgmigration.mark names it (the Id in its journal's first line), and while that row is there the app may be paused and the source fenced.");

    /// <summary>The line that a journal gets for an entry.</summary>
    internal static string Format(CutoverEntry entry) => JsonSerializer.Serialize(entry, Json);

    /// <summary>Writes what was held, and lets the file go.</summary>
    public void Dispose()
    {
        try
        {
            if (_file.CanWrite && _held.Length > 0)
            {
                Sync();
            }
        }
        catch (IOException)
        {
            // What was held is only what was done: that is asked again.
        }

        string path = Path;
        _file.Dispose();
        if (_isNew && _entries.Count == 0)
        {
            File.Delete(path); // nothing was planned: the name stays free
        }

        _lock.Dispose();
    }

    // A cutover that a gate refused is tried again, by the same command.
    private static void SetAside(string path)
    {
        try
        {
            if (!File.Exists(path) || Read(path) is not [{ Event: CutoverEvent.Planned }, .., { Event: CutoverEvent.BackOnSource }] entries
                || entries.Any(entry => entry.Event == CutoverEvent.Begun && entry.Step is nameof(PauseApp) or nameof(PauseNewApp)))
            {
                return;
            }
        }
        catch (MigrationException error) when (error.ErrorId == "JournalDamaged")
        {
            return; // not ours to move
        }

        string stem = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path) ?? string.Empty, System.IO.Path.GetFileNameWithoutExtension(path));
        int number = 1;
        string Name() => $"{stem}.{number.ToString(System.Globalization.CultureInfo.InvariantCulture)}{System.IO.Path.GetExtension(path)}";
        for (; File.Exists(Name()); number++)
        {
        }

        File.Move(path, Name());
    }

    // A file of its own: a lock on the journal itself would on Unix keep out those who only read it.
    private static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException error)
        {
            throw new MigrationException("JournalInUse", MigrationErrorKind.InvalidOperation,
                $"Another session has the journal {path} open and runs this cutover ({error.Message}). Wait for it, or end it, before going on here.", error);
        }
    }

    private void Sync()
    {
        long end = _file.Position;
        try
        {
            _file.Write(Encoding.UTF8.GetBytes(_held.ToString()));
            _file.Flush(flushToDisk: true);
            _held.Clear();
        }
        catch (IOException)
        {
            // no half line, which the next one would be glued to
            _file.SetLength(end);
            _file.Position = end;
            throw;
        }
    }

    private static List<CutoverEntry> Parse(FileStream file, out long end)
    {
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        end = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        var entries = new List<CutoverEntry>();
        foreach (string line in Encoding.UTF8.GetString(bytes, 0, (int)end).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                entries.Add(JsonSerializer.Deserialize<CutoverEntry>(line, Json) ?? throw new JsonException("it says null."));
            }
            catch (JsonException error)
            {
                throw new MigrationException("JournalDamaged", MigrationErrorKind.InvalidData,
                    $"Line {entries.Count + 1} of the journal {file.Name} is not readable: {error.Message} Nothing was done on its ground.", error);
            }
        }

        return entries;
    }

    private sealed class LsnJsonConverter : JsonConverter<Lsn>
    {
        public override Lsn Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Lsn.Parse(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, Lsn value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }
}
