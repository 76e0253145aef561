namespace PgMigration.LocalDms;

/// <summary>Faults that tests ask for when they start the process: <c>DescribeTableStatistics=ThrottlingException*3</c>.</summary>
internal sealed class PlannedFaults
{
    private readonly Lock _lock = new();
    private readonly List<(string Operation, string Fault, int Left)> _plan = [];

    /// <summary>Reads the plan.</summary>
    /// <param name="plan">Each: an operation or <c>*</c>, the fault, and how often; once where it does not say.</param>
    /// <exception cref="FormatException">One is not of this form.</exception>
    public PlannedFaults(IEnumerable<string> plan)
    {
        foreach (string entry in plan)
        {
            string[] parts = entry.Split('=');
            string[] fault = parts is [{ Length: > 0 }, { Length: > 0 }] ? parts[1].Split('*') : throw new FormatException($"'{entry}' is no planned fault; expected Operation=Fault*times.");
            _plan.Add((parts[0], fault[0], fault.Length > 1 ? int.Parse(fault[1], System.Globalization.CultureInfo.InvariantCulture) : 1));
        }
    }

    /// <summary>Throws the fault that is due for an operation, if one is.</summary>
    /// <exception cref="Fault">As planned.</exception>
    public void Take(string operation)
    {
        lock (_lock)
        {
            int i = _plan.FindIndex(entry => entry.Left > 0 && (entry.Operation == operation || entry.Operation == "*"));
            if (i >= 0)
            {
                _plan[i] = _plan[i] with { Left = _plan[i].Left - 1 };
                throw new Fault(_plan[i].Fault, _plan[i].Fault == "ThrottlingException" ? "Rate exceeded" : $"As planned for {operation}.");
            }
        }
    }
}
